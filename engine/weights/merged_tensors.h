// A model with adapters merged into it.
#ifndef OXBOW_ENGINE_WEIGHTS_MERGED_TENSORS_H_
#define OXBOW_ENGINE_WEIGHTS_MERGED_TENSORS_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/weights/adapter_file.h"
#include "engine/weights/lora_file.h"
#include "engine/weights/tensor_catalog.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// The tensors of a model under canonical names, changed by adapters in their
// order: a whole tensor takes the model's place, with the dtype it has in its
// file; then each pair adds scale * (B A) to its matrix. Sums are fp32, in the
// order that kernels/cpu/low_rank_row.h gives, and are rounded once, after the
// last: to the dtype the matrix had, or to fp16 if that was one of blocks.
// Tensors without a change stay as they are, bit for bit.
//
// Nothing is merged before it is read: a tensor's pairs are in memory only
// while it is.
//
// Thread-compatible. Uses `threads` inside a call; the numbers do not depend on
// how many.
class MergedTensors : public TensorSource {
 public:
  // As LoraFile::Open. InvalidArgument, in a sentence that names file and
  // tensor: the model has no such tensor, or one of another shape (but any may
  // get a time_state); a rank past the matrix's smaller side.
  static absl::StatusOr<std::unique_ptr<TensorSource>> Make(
      TensorCatalog base, absl::Span<const AdapterFile> files, int threads);

  absl::Span<const TensorEntry> entries() const override { return entries_; }
  SourceFacts facts() const override;
  // InvalidArgument also if a sum does not fit the dtype.
  absl::Status Read(int index, absl::Span<char> bytes) override;

 private:
  // scale * (B A), of one of files_.
  struct Change {
    int file = 0;
    LoraFile::Pair pair;
    float scale = 1.0f;
  };
  struct Part {
    int file = -1;   // the whole tensor is in this of files_; -1: in base_
    int tensor = 0;  // and is this of its tensors
    std::vector<Change> changes;
  };

  MergedTensors(TensorCatalog base, int threads)
      : base_(std::move(base)), threads_(threads) {}

  absl::Status Add(const AdapterFile& file);
  absl::Status AddTensor(const std::string& name, int file, int tensor);
  absl::Status AddChange(const std::string& name, Change change);
  void ListEntries();
  // The dtype, shape and bytes of a part before its changes.
  TensorEntry EntryBefore(const std::string& name, const Part& part) const;
  absl::Status ReadBefore(const std::string& name, const Part& part,
                          absl::Span<char> bytes);

  TensorCatalog base_;
  const int threads_;
  std::vector<LoraFile> files_;
  absl::btree_map<std::string, Part> parts_;  // that differ from base_
  std::vector<TensorEntry> entries_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_MERGED_TENSORS_H_
