// What training with RWKV-PEFT has changed of a model, in a file of its own.
#ifndef OXBOW_ENGINE_WEIGHTS_LORA_FILE_H_
#define OXBOW_ENGINE_WEIGHTS_LORA_FILE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// A .pth or .safetensors file of pairs NAME.lora_A [rank,inputs] and
// NAME.lora_B [outputs,rank], which change the matrix NAME.weight
// [outputs,inputs] by a multiple of B A; and of whole tensors that were
// trained, too, which take a tensor's place. Names are BlinkDL's, with
// "model." or "rwkv." before them or not. (Facts: merge/merge.py, rwkvLinear.py
// and trainer.py of github.com/JL-er/RWKV-PEFT.)
//
// A file of PiSSA's pairs looks the same and is another thing: they are no
// change to the model, but to what was left of it. Only its companion, which
// holds init_lora_A, is known by its names.
//
// Thread-compatible.
class LoraFile {
 public:
  // Two tensors, as indices for Read().
  struct Pair {
    int a = -1;
    int b = -1;
    int rank = 0;
  };

  // NotFound, InvalidArgument: as OpenTensors; a pair lacks a half or its
  // halves have other ranks; no pair and no time_state at all. Unimplemented,
  // by name: files of other methods (PiSSA, DiSHA, Bone) and of Hugging Face's
  // PEFT. Messages name file and tensor.
  static absl::StatusOr<LoraFile> Open(const std::string& path);

  const std::string& path() const { return path_; }

  // By the canonical name of the matrix they change.
  const absl::btree_map<std::string, Pair>& pairs() const { return pairs_; }
  // Other tensors by canonical name, as indices.
  const absl::btree_map<std::string, int>& tensors() const { return tensors_; }

  const TensorEntry& entry(int index) const {
    return source_->entries()[index];
  }

  // As TensorSource's.
  absl::Status Read(int index, absl::Span<char> bytes);
  // The same as fp32. InvalidArgument if a number is not finite, too.
  absl::StatusOr<std::vector<float>> ReadNumbers(int index);

  // "PATH: NAME: what", NAME being the tensor's in the file.
  absl::Status Fault(int index, absl::string_view what) const;

 private:
  LoraFile(std::string path, std::unique_ptr<TensorSource> source)
      : path_(std::move(path)), source_(std::move(source)) {}

  absl::Status Add(int index);
  absl::Status CheckPairs();

  std::string path_;
  std::unique_ptr<TensorSource> source_;
  absl::btree_map<std::string, Pair> pairs_;
  absl::btree_map<std::string, int> tensors_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_LORA_FILE_H_
