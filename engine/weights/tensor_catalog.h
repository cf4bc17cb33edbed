// The tensors of a file under the names Oxbow uses.
#ifndef OXBOW_ENGINE_WEIGHTS_TENSOR_CATALOG_H_
#define OXBOW_ENGINE_WEIGHTS_TENSOR_CATALOG_H_

#include <memory>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// Owns a TensorSource and finds its tensors by canonical name: BlinkDL's
// ("blocks.3.att.key.weight"), without the "rwkv." that EmbeddingRWKV files
// put before them. docs/weights.md lists the names.
//
// Thread-compatible.
class TensorCatalog {
 public:
  // InvalidArgument if two tensors get the same canonical name.
  static absl::StatusOr<TensorCatalog> Make(
      std::unique_ptr<TensorSource> source);

  // Null if there is none. Lives as long as the catalog.
  const TensorEntry* Find(absl::string_view name) const;

  // All canonical names in ascending order, with their index in the source.
  const absl::btree_map<std::string, int>& names() const { return names_; }

  // The bytes of the named tensor, which must exist.
  absl::Status Read(absl::string_view name, absl::Span<char> bytes);

 private:
  explicit TensorCatalog(std::unique_ptr<TensorSource> source)
      : source_(std::move(source)) {}

  std::unique_ptr<TensorSource> source_;
  absl::btree_map<std::string, int> names_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_TENSOR_CATALOG_H_
