// The model a command line chooses, as oxbowd would serve it.
#ifndef OXBOW_TOOLS_MODEL_LOAD_CHOSEN_H_
#define OXBOW_TOOLS_MODEL_LOAD_CHOSEN_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/model/model.h"
#include "engine/weights/adapter_file.h"
#include "engine/weights/weight_precision.h"

namespace oxbow {

// oxbowd's flags of these names.
struct ModelChoice {
  std::string path;
  std::string tokenizer;  // as MakeTokenizer takes it
  std::vector<AdapterFile> adapters;
  WeightPrecision weights = WeightPrecision::kAsStored;
};

// Room for one state; progress goes to stderr. Errors as LoadModel.
absl::StatusOr<std::unique_ptr<Model>> LoadChosen(const ModelChoice& choice,
                                                  bool is_terminal);

}  // namespace oxbow

#endif  // OXBOW_TOOLS_MODEL_LOAD_CHOSEN_H_
