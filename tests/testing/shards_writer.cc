#include "tests/testing/shards_writer.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "tests/testing/safetensors_writer.h"

namespace oxbow {

absl::Status WriteShards(const std::vector<TinyTensor>& tensors, DType dtype,
                         const std::string& folder) {
  constexpr int kShards = 3;
  nlohmann::json map;
  for (int shard = 0; shard < kShards; ++shard) {
    const std::string name = absl::StrCat("model-0000", shard + 1, "-of-0000",
                                          kShards, ".safetensors");
    std::vector<TinyTensor> own;
    for (size_t i = shard; i < tensors.size(); i += kShards) {
      own.push_back(tensors[i]);
      map[tensors[i].name] = name;
    }
    const absl::Status written =
        WriteSafetensors(own, dtype, absl::StrCat(folder, "/", name));
    if (!written.ok()) return written;
  }
  std::ofstream index(folder + "/model.safetensors.index.json");
  index << nlohmann::json{
      {"metadata", {{"total_size", 0}}},
      {"weight_map",
       map}}.dump(2);
  return index.good() ? absl::OkStatus()
                      : absl::UnknownError(folder + ": cannot write");
}

}  // namespace oxbow
