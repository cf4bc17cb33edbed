// The tensors of a file under the names Oxbow uses.
#ifndef OXBOW_ENGINE_WEIGHTS_TENSOR_CATALOG_H_
#define OXBOW_ENGINE_WEIGHTS_TENSOR_CATALOG_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/weights/naming.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// Where the numbers of a canonical tensor are.
struct StoredTensor {
  // The canonical name and shape; the file's dtype.
  TensorEntry entry;
  // The tensor's index in the source, and which of its parts, laid end to
  // end, it is.
  int source = 0;
  int part = 0;
  int parts = 1;
  // The file holds the last two dimensions the other way round.
  bool transposed = false;
  // The file's numbers times 2^scale_log2 are the tensor's.
  int scale_log2 = 0;
};

// Owns a TensorSource and finds its tensors by canonical name, that is
// BlinkDL's ("blocks.3.att.key.weight"), whatever the file calls them
// (naming.h) and however it stores them. docs/weights.md lists the names.
//
// Thread-compatible.
class TensorCatalog {
 public:
  // InvalidArgument, in a sentence that names the file's tensor, if two
  // tensors get the same canonical name, a name belongs to no model under this
  // scheme, a tensor cannot hold what its name says, or the file says
  // otherwise (check_facts.h). Unimplemented: a scheme that is not read.
  static absl::StatusOr<TensorCatalog> Make(
      std::unique_ptr<TensorSource> source);

  // Of canonical shape. Null if there is none. Lives as long as the catalog.
  const TensorEntry* Find(absl::string_view name) const;

  // All tensors by canonical name, in ascending order.
  const absl::btree_map<std::string, StoredTensor>& names() const {
    return names_;
  }

  // What the file says besides.
  const SourceFacts& facts() const { return facts_; }

  // The name of a tensor, which must exist, in the file.
  absl::string_view NameInFile(absl::string_view name) const;

  // The numbers of the named tensor, which must exist; `bytes` has their size.
  // Row-major in the canonical shape, or, if ReadsTransposed(), with the last
  // two dimensions the other way round. InvalidArgument if the file is damaged.
  absl::Status Read(absl::string_view name, absl::Span<char> bytes);

  // True for blocks along the file's rows, which nobody can transpose.
  bool ReadsTransposed(absl::string_view name) const;

 private:
  explicit TensorCatalog(std::unique_ptr<TensorSource> source)
      : source_(std::move(source)) {}

  absl::Status Add(const Naming& naming, int source);
  absl::Status AddAs(const NameRule& rule, const std::string& layer,
                     int source);
  absl::Status Insert(StoredTensor stored);
  // Fills whole_.
  absl::Status ReadWhole(int source);
  const StoredTensor& Stored(absl::string_view name) const;

  std::unique_ptr<TensorSource> source_;
  SourceFacts facts_;
  int64_t width_ = 0;  // D, as far as low-rank pairs need it
  absl::btree_map<std::string, StoredTensor> names_;
  std::vector<char> whole_;  // a source's tensor at hand
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_TENSOR_CATALOG_H_
