// Which files change a model while it is loaded, and how much.
#ifndef OXBOW_ENGINE_WEIGHTS_ADAPTER_FILE_H_
#define OXBOW_ENGINE_WEIGHTS_ADAPTER_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace oxbow {

// A LoRA file of RWKV-PEFT (see lora_file.h).
struct AdapterFile {
  std::string path;
  // What the product of its pairs is multiplied by: lora_alpha / r, which the
  // file does not hold. Finite and not 0.
  float scale = 1.0f;
};

// From "PATH[:SCALE]": what follows the last colon is the scale if it is a
// number. InvalidArgument if there is no path, or the scale is 0 or not finite.
absl::StatusOr<AdapterFile> ParseAdapterFile(const std::string& text);

// "lora.pth:2", as users are told: without folders, and without a scale of 1.
std::string NameOf(const AdapterFile& file);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_ADAPTER_FILE_H_
