// The model.safetensors.index.json of a model in several files.
#ifndef OXBOW_ENGINE_WEIGHTS_SHARD_INDEX_H_
#define OXBOW_ENGINE_WEIGHTS_SHARD_INDEX_H_

#include <cstdint>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/status/statusor.h"

namespace oxbow {

constexpr int64_t kShardIndexBytesMax = int64_t{8} << 20;
constexpr int kShardsMax = 256;

// Which tensors each file has, by the names of both.
using ShardIndex = absl::btree_map<std::string, absl::btree_set<std::string>>;

// At least one file, at most kShardsMax and kTensorsMax tensors; each file is a
// .safetensors beside the index. InvalidArgument otherwise, and if it is no
// JSON; Unimplemented, by name, for files of another format.
absl::StatusOr<ShardIndex> ParseShardIndex(const std::string& text);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_SHARD_INDEX_H_
