#include "engine/weights/gguf_value.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

constexpr uint64_t kTextBytesMax = 1 << 20;
constexpr uint64_t kStringsMax = 1 << 20;
constexpr int64_t kMetadataBytesMax = int64_t{16} << 20;

// 0: the elements have no fixed size.
uint64_t BytesOf(GgufType type) {
  switch (type) {
    case GgufType::kU8:
    case GgufType::kI8:
    case GgufType::kBool:
      return 1;
    case GgufType::kU16:
    case GgufType::kI16:
      return 2;
    case GgufType::kU32:
    case GgufType::kI32:
    case GgufType::kF32:
      return 4;
    case GgufType::kU64:
    case GgufType::kI64:
    case GgufType::kF64:
      return 8;
    case GgufType::kString:
    case GgufType::kArray:
      return 0;
  }
  return 0;
}

absl::StatusOr<GgufType> TakeType(FileCursor& file) {
  ASSIGN_OR_RETURN(const uint32_t number, file.TakeU32());
  if (number > static_cast<uint32_t>(GgufType::kF64)) {
    return file.Fault(absl::StrCat("has type ", number, ", want 0 to 12"));
  }
  return static_cast<GgufType>(number);
}

absl::StatusOr<int64_t> TakeInteger(FileCursor& file, GgufType type) {
  switch (BytesOf(type)) {
    case 1: {
      ASSIGN_OR_RETURN(const uint8_t number, file.TakeU8());
      return type == GgufType::kI8 ? static_cast<int8_t>(number) : number;
    }
    case 2: {
      ASSIGN_OR_RETURN(const uint16_t number, file.TakeU16());
      return type == GgufType::kI16 ? static_cast<int16_t>(number) : number;
    }
    case 4: {
      ASSIGN_OR_RETURN(const uint32_t number, file.TakeU32());
      return type == GgufType::kI32 ? static_cast<int32_t>(number)
                                    : int64_t{number};
    }
    default: {
      ASSIGN_OR_RETURN(const uint64_t number, file.TakeU64());
      if (type == GgufType::kU64 &&
          number > uint64_t{std::numeric_limits<int64_t>::max()}) {
        return file.Fault(absl::StrCat("is ", number, ", at most 2^63-1 is"));
      }
      return static_cast<int64_t>(number);
    }
  }
}

absl::StatusOr<double> TakeReal(FileCursor& file, GgufType type) {
  if (type == GgufType::kF32) {
    ASSIGN_OR_RETURN(const uint32_t bits, file.TakeU32());
    float number;
    std::memcpy(&number, &bits, sizeof(number));
    return number;
  }
  ASSIGN_OR_RETURN(const uint64_t bits, file.TakeU64());
  double number;
  std::memcpy(&number, &bits, sizeof(number));
  return number;
}

absl::Status CheckMetadataBytes(const FileCursor& file) {
  if (file.position() <= kMetadataBytesMax) return absl::OkStatus();
  return file.Fault(
      absl::StrCat("ends past ", kMetadataBytesMax, " bytes of metadata"));
}

// Passes over an array and notes where it is.
absl::Status TakeArray(FileCursor& file, GgufValue* value) {
  ASSIGN_OR_RETURN(value->element, TakeType(file));
  ASSIGN_OR_RETURN(const uint64_t count, file.TakeU64());
  value->offset = file.position();
  if (value->element == GgufType::kArray) {
    return file.Fault("is an array of arrays, which no RWKV file has");
  }
  const uint64_t bytes_each = std::max<uint64_t>(
      BytesOf(value->element),
      sizeof(uint64_t) * (value->element == GgufType::kString));
  if (count > static_cast<uint64_t>(file.left()) / bytes_each) {
    return file.Fault(absl::StrCat("is an array of ", count, " ",
                                   NameOf(value->element), ", the file ends ",
                                   file.left(), " bytes on"));
  }
  value->count = static_cast<int64_t>(count);
  if (value->element != GgufType::kString) {
    return file.Skip(count * bytes_each);
  }
  if (count > kStringsMax) {
    return file.Fault(absl::StrCat("is an array of ", count,
                                   " strings, at most ", kStringsMax,
                                   " are read"));
  }
  for (uint64_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const uint64_t bytes, file.TakeU64());
    RETURN_IF_ERROR(file.Skip(bytes));
    RETURN_IF_ERROR(CheckMetadataBytes(file));
  }
  return absl::OkStatus();
}

absl::Status CheckCount(const InputFile& file, const GgufValue& array,
                        int64_t count_max) {
  if (array.count <= count_max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(file.path(), ": a metadata array of ", array.count,
                   " elements, at most ", count_max, " are read"));
}

}  // namespace

const char* NameOf(GgufType type) {
  static constexpr const char* kNames[] = {
      "u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
      "bool", "string", "array", "u64", "i64", "f64"};
  return kNames[static_cast<uint32_t>(type)];
}

bool IsInteger(GgufType type) {
  return type != GgufType::kF32 && type != GgufType::kF64 &&
         type != GgufType::kBool && BytesOf(type) > 0;
}

absl::StatusOr<std::string> TakeGgufString(FileCursor& file,
                                           uint64_t bytes_max) {
  ASSIGN_OR_RETURN(const uint64_t bytes, file.TakeU64());
  if (bytes > bytes_max) {
    return file.Fault(absl::StrCat("holds a string of ", bytes,
                                   " bytes, at most ", bytes_max, " are read"));
  }
  return file.TakeBytes(bytes);
}

absl::StatusOr<GgufValue> TakeGgufValue(FileCursor& file) {
  GgufValue value;
  ASSIGN_OR_RETURN(value.type, TakeType(file));
  if (value.type == GgufType::kString) {
    ASSIGN_OR_RETURN(value.text, TakeGgufString(file, kTextBytesMax));
  } else if (value.type == GgufType::kArray) {
    RETURN_IF_ERROR(TakeArray(file, &value));
  } else if (value.type == GgufType::kF32 || value.type == GgufType::kF64) {
    ASSIGN_OR_RETURN(value.real, TakeReal(file, value.type));
  } else {
    ASSIGN_OR_RETURN(value.integer, TakeInteger(file, value.type));
    if (value.type == GgufType::kBool && value.integer > 1) {
      return file.Fault(
          absl::StrCat("is a bool of ", value.integer, ", want 0 or 1"));
    }
  }
  RETURN_IF_ERROR(CheckMetadataBytes(file));
  return value;
}

absl::StatusOr<std::vector<std::string>> ReadGgufStrings(const InputFile& file,
                                                         const GgufValue& array,
                                                         int64_t count_max) {
  RETURN_IF_ERROR(CheckCount(file, array, count_max));
  FileCursor cursor(&file);
  cursor.set_part("a metadata string");
  RETURN_IF_ERROR(cursor.SeekTo(array.offset));
  std::vector<std::string> strings;
  strings.reserve(array.count);
  for (int64_t i = 0; i < array.count; ++i) {
    ASSIGN_OR_RETURN(std::string text, TakeGgufString(cursor, kTextBytesMax));
    strings.push_back(std::move(text));
  }
  return strings;
}

absl::StatusOr<std::vector<int64_t>> ReadGgufIntegers(const InputFile& file,
                                                      const GgufValue& array,
                                                      int64_t count_max) {
  RETURN_IF_ERROR(CheckCount(file, array, count_max));
  FileCursor cursor(&file);
  cursor.set_part("a metadata integer");
  RETURN_IF_ERROR(cursor.SeekTo(array.offset));
  std::vector<int64_t> integers;
  integers.reserve(array.count);
  for (int64_t i = 0; i < array.count; ++i) {
    ASSIGN_OR_RETURN(const int64_t integer, TakeInteger(cursor, array.element));
    integers.push_back(integer);
  }
  return integers;
}

}  // namespace oxbow
