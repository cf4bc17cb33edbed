// What a GGUF file says of its model besides the tensors.
#ifndef OXBOW_ENGINE_WEIGHTS_GGUF_METADATA_H_
#define OXBOW_ENGINE_WEIGHTS_GGUF_METADATA_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/weights/gguf_value.h"

namespace oxbow {

// The metadata of a GGUF file by key: "rwkv7.block_count".
//
// Getters: NotFound if there is no such key; InvalidArgument, in a sentence
// with key and type, if it is of another type. Immutable, thread-safe.
class GgufMetadata {
 public:
  GgufMetadata() = default;
  explicit GgufMetadata(absl::btree_map<std::string, GgufValue> values)
      : values_(std::move(values)) {}

  absl::StatusOr<int64_t> Integer(absl::string_view key) const;
  absl::StatusOr<double> Real(absl::string_view key) const;
  absl::StatusOr<std::string> Text(absl::string_view key) const;
  absl::StatusOr<GgufValue> Array(absl::string_view key,
                                  GgufType element) const;

  const absl::btree_map<std::string, GgufValue>& values() const {
    return values_;
  }

 private:
  absl::StatusOr<const GgufValue*> Find(absl::string_view key) const;

  absl::btree_map<std::string, GgufValue> values_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_GGUF_METADATA_H_
