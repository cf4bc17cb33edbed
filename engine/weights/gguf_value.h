// A typed value in the metadata of a GGUF file. Format: docs/gguf.md of the
// ggml project, versions 2 and 3.
#ifndef OXBOW_ENGINE_WEIGHTS_GGUF_VALUE_H_
#define OXBOW_ENGINE_WEIGHTS_GGUF_VALUE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/weights/file_cursor.h"
#include "engine/weights/input_file.h"

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
// Of any size, signed or not; no bool.
bool IsInteger(GgufType type);

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

// Takes a string. InvalidArgument if it has more bytes than that.
absl::StatusOr<std::string> TakeGgufString(FileCursor& file,
                                           uint64_t bytes_max);

// Takes type and value. InvalidArgument in one sentence: whatever breaks the
// format, arrays of arrays, a string of more than 1 MiB, more than 2^20 strings
// in an array, or an end past 16 MiB of the file.
absl::StatusOr<GgufValue> TakeGgufValue(FileCursor& file);

// The elements of an array of strings or of integers. InvalidArgument for more
// than `count_max` of them.
absl::StatusOr<std::vector<std::string>> ReadGgufStrings(const InputFile& file,
                                                         const GgufValue& array,
                                                         int64_t count_max);
absl::StatusOr<std::vector<int64_t>> ReadGgufIntegers(const InputFile& file,
                                                      const GgufValue& array,
                                                      int64_t count_max);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_GGUF_VALUE_H_
