// What stands before the numbers in a GGUF file: typed metadata, and a list of
// tensors. Format: docs/gguf.md of the ggml project, versions 2 and 3.
#ifndef OXBOW_ENGINE_WEIGHTS_GGUF_HEADER_H_
#define OXBOW_ENGINE_WEIGHTS_GGUF_HEADER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/weights/input_file.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// As numbered in the file.
enum class GgufType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

// "u32", "string".
const char* NameOf(GgufType type);

struct GgufValue {
  GgufType type = GgufType::kU8;
  int64_t integer = 0;  // of all integer types and bool; u64 up to 2^63 - 1
  double real = 0;      // of f32 and f64
  std::string text;     // of a string
  // Of an array: its elements stay in the file.
  GgufType element = GgufType::kU8;
  int64_t count = 0;
  int64_t offset = 0;  // of the first element in the file
};

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

// A tensor and where its numbers are.
struct GgufTensor {
  TensorEntry entry;
  int64_t offset = 0;  // in the file
};

struct GgufHeader {
  std::string architecture;  // "rwkv6" or "rwkv7"
  GgufMetadata metadata;
  std::vector<GgufTensor> tensors;  // in the order of the file
};

// True if the file starts as GGUF does.
bool LooksLikeGguf(const InputFile& file);

// Reads and checks everything before the numbers, and that the numbers lie in
// the file, aligned, each tensor after the one before.
//
// Unimplemented, by name: version 1, big-endian files, an architecture other
// than rwkv6 and rwkv7, one part of a split model, an adapter, a tensor type
// that is not a DType. InvalidArgument in one sentence: whatever breaks the
// format, a key or a tensor given twice, arrays of arrays, more than 16 MiB of
// metadata, 2^20 strings in an array, 4096 keys or kTensorsMax tensors.
absl::StatusOr<GgufHeader> ReadGgufHeader(const InputFile& file);

// The elements of an array of strings or of integers that the header describes.
// InvalidArgument for more than `count_max` of them.
absl::StatusOr<std::vector<std::string>> ReadGgufStrings(const InputFile& file,
                                                         const GgufValue& array,
                                                         int64_t count_max);
absl::StatusOr<std::vector<int64_t>> ReadGgufIntegers(const InputFile& file,
                                                      const GgufValue& array,
                                                      int64_t count_max);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_GGUF_HEADER_H_
