#include "tests/testing/safetensors_writer.h"

#include <fstream>

#include "absl/base/internal/endian.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace oxbow {
namespace {

const char* DTypeName(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "F32";
    case DType::kF16:
      return "F16";
    case DType::kBF16:
      return "BF16";
    default:
      return "?";
  }
}

}  // namespace

absl::Status WriteSafetensors(const std::vector<TinyTensor>& tensors,
                              DType dtype, const std::string& path) {
  nlohmann::json header = nlohmann::json::object();
  std::string data;
  for (const TinyTensor& tensor : tensors) {
    const size_t begin = data.size();
    data += Encode(tensor.numbers, dtype);
    header[tensor.name] = {{"dtype", DTypeName(dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  char length[8];
  absl::little_endian::Store64(length, text.size());
  std::ofstream file(path, std::ios::binary);
  file.write(length, sizeof(length));
  file << text << data << std::flush;
  if (!file) {
    return absl::UnknownError(absl::StrCat(path, ": cannot be written"));
  }
  return absl::OkStatus();
}

}  // namespace oxbow
