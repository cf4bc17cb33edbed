#include "engine/weights/gguf_header.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/memory/memory.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/weights/file_cursor.h"
#include "engine/weights/ggml_types.h"

namespace oxbow {
namespace {

constexpr uint64_t kKeysMax = 4096;
constexpr uint64_t kTextBytesMax = 1 << 20;
constexpr uint64_t kStringsMax = 1 << 20;
constexpr int64_t kMetadataBytesMax = int64_t{16} << 20;
constexpr int64_t kAlignmentDefault = 32;
constexpr int64_t kAlignmentMax = 1 << 20;

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

bool IsInteger(GgufType type) {
  return type != GgufType::kF32 && type != GgufType::kF64 &&
         type != GgufType::kBool && BytesOf(type) > 0;
}

absl::StatusOr<GgufType> TakeType(FileCursor& file) {
  ASSIGN_OR_RETURN(const uint32_t number, file.TakeU32());
  if (number > static_cast<uint32_t>(GgufType::kF64)) {
    return file.Fault(absl::StrCat("has type ", number, ", want 0 to 12"));
  }
  return static_cast<GgufType>(number);
}

absl::StatusOr<std::string> TakeString(FileCursor& file, uint64_t bytes_max) {
  ASSIGN_OR_RETURN(const uint64_t bytes, file.TakeU64());
  if (bytes > bytes_max) {
    return file.Fault(absl::StrCat("holds a string of ", bytes,
                                   " bytes, at most ", bytes_max, " are read"));
  }
  return file.TakeBytes(bytes);
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

absl::StatusOr<GgufValue> TakeValue(FileCursor& file) {
  GgufValue value;
  ASSIGN_OR_RETURN(value.type, TakeType(file));
  if (value.type == GgufType::kString) {
    ASSIGN_OR_RETURN(value.text, TakeString(file, kTextBytesMax));
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

// A name that can stand in a sentence.
bool IsPrintable(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return c > 0x20 && c < 0x7f;
  });
}

absl::Status CheckArchitecture(const FileCursor& file,
                               const std::string& name) {
  if (name == "rwkv6" || name == "rwkv7") return absl::OkStatus();
  if (name == "rwkv6qwen2" || name == "arwkv7") {
    return absl::UnimplementedError(
        absl::StrCat(name,
                     ": RWKV's time mixing within Qwen's layers; Oxbow "
                     "runs rwkv6 and rwkv7 from GGUF"));
  }
  return absl::UnimplementedError(
      absl::StrCat("a GGUF file of architecture '",
                   absl::CHexEscape(name.substr(0, kNameBytesMax)),
                   "'; Oxbow runs rwkv6 and rwkv7 from GGUF"));
}

// Reads the parts of one header in turn.
class HeaderReader {
 public:
  explicit HeaderReader(const InputFile& file) : file_(&file) {}

  absl::StatusOr<GgufHeader> Read();

 private:
  absl::Status ReadCounts();
  absl::Status ReadMetadata();
  absl::Status CheckMetadata();
  absl::Status ReadTensors();
  absl::Status ReadTensor(uint64_t number);
  absl::Status PlaceTensors();
  absl::Status CheckOverlaps() const;

  FileCursor file_;
  uint64_t tensor_count_ = 0;
  uint64_t key_count_ = 0;
  int64_t alignment_ = kAlignmentDefault;
  absl::flat_hash_set<std::string> names_;
  GgufHeader header_;
};

absl::Status HeaderReader::ReadCounts() {
  ASSIGN_OR_RETURN(const std::string magic, file_.TakeBytes(4));
  if (magic != "GGUF") return file_.Fault("does not start with GGUF");
  ASSIGN_OR_RETURN(const uint32_t version, file_.TakeU32());
  if (version == 1) {
    return absl::UnimplementedError(
        "GGUF version 1, of August 2023; Oxbow reads versions 2 and 3");
  }
  if (version == 0x02000000 || version == 0x03000000) {
    return absl::UnimplementedError(
        "a big-endian GGUF file; Oxbow reads little-endian ones");
  }
  if (version != 2 && version != 3) {
    return absl::UnimplementedError(absl::StrCat(
        "GGUF version ", version, "; Oxbow reads versions 2 and 3"));
  }
  ASSIGN_OR_RETURN(tensor_count_, file_.TakeU64());
  ASSIGN_OR_RETURN(key_count_, file_.TakeU64());
  if (tensor_count_ > kTensorsMax) {
    return file_.Fault(absl::StrCat("says ", tensor_count_,
                                    " tensors, at most ", kTensorsMax,
                                    " are read"));
  }
  if (key_count_ > kKeysMax) {
    return file_.Fault(absl::StrCat("says ", key_count_,
                                    " metadata keys, at most ", kKeysMax,
                                    " are read"));
  }
  return absl::OkStatus();
}

absl::Status HeaderReader::ReadMetadata() {
  absl::btree_map<std::string, GgufValue> values;
  for (uint64_t i = 0; i < key_count_; ++i) {
    file_.set_part(absl::StrCat("metadata key ", i));
    ASSIGN_OR_RETURN(const std::string key, TakeString(file_, kNameBytesMax));
    if (!IsPrintable(key)) {
      return file_.Fault(absl::StrCat("is '", absl::CHexEscape(key),
                                      "', want printable ASCII"));
    }
    file_.set_part(absl::StrCat("metadata ", key));
    ASSIGN_OR_RETURN(GgufValue value, TakeValue(file_));
    // It stands first in most files: other models are refused by name, and
    // not for what else they are.
    if (key == "general.architecture" && value.type == GgufType::kString) {
      RETURN_IF_ERROR(CheckArchitecture(file_, value.text));
    }
    if (!values.emplace(key, std::move(value)).second) {
      return file_.Fault("is there twice");
    }
  }
  header_.metadata = GgufMetadata(std::move(values));
  return absl::OkStatus();
}

absl::Status HeaderReader::CheckMetadata() {
  const GgufMetadata& metadata = header_.metadata;
  file_.set_part("the metadata");
  const absl::StatusOr<std::string> architecture =
      metadata.Text("general.architecture");
  if (absl::IsNotFound(architecture.status())) {
    return file_.Fault("has no general.architecture");
  }
  ASSIGN_OR_RETURN(header_.architecture, architecture);
  const absl::StatusOr<std::string> kind = metadata.Text("general.type");
  if (!kind.ok() && !absl::IsNotFound(kind.status())) return kind.status();
  if (kind.ok() && *kind != "model") {
    return absl::UnimplementedError(
        absl::StrCat("a GGUF file of type '",
                     absl::CHexEscape(kind->substr(0, kNameBytesMax)),
                     "'; Oxbow reads whole models"));
  }
  const absl::StatusOr<int64_t> parts = metadata.Integer("split.count");
  if (!parts.ok() && !absl::IsNotFound(parts.status())) return parts.status();
  if (parts.ok() && *parts > 1) {
    return absl::UnimplementedError(
        absl::StrCat("one of ", *parts,
                     " parts of a GGUF model; join them first, as "
                     "llama.cpp's gguf-split --merge does"));
  }
  const absl::StatusOr<int64_t> alignment =
      metadata.Integer("general.alignment");
  if (absl::IsNotFound(alignment.status())) return absl::OkStatus();
  ASSIGN_OR_RETURN(alignment_, alignment);
  if (alignment_ < 8 || alignment_ > kAlignmentMax || alignment_ % 8 != 0) {
    return file_.Fault(absl::StrCat("has general.alignment ", alignment_,
                                    ", want a multiple of 8 up to ",
                                    kAlignmentMax));
  }
  return absl::OkStatus();
}

absl::Status HeaderReader::ReadTensor(uint64_t number) {
  file_.set_part(absl::StrCat("tensor ", number));
  GgufTensor tensor;
  TensorEntry& entry = tensor.entry;
  ASSIGN_OR_RETURN(entry.name, TakeString(file_, kNameBytesMax));
  if (!IsPrintable(entry.name)) {
    return file_.Fault(absl::StrCat("is named '", absl::CHexEscape(entry.name),
                                    "', want printable ASCII"));
  }
  if (!names_.insert(entry.name).second) {
    return file_.Fault(absl::StrCat("is named ", entry.name, " like another"));
  }
  file_.set_part(absl::StrCat("tensor ", entry.name));
  ASSIGN_OR_RETURN(const uint32_t rank, file_.TakeU32());
  if (rank < 1 || rank > kRankMax) {
    return file_.Fault(
        absl::StrCat("has ", rank, " dimensions, want 1 to ", kRankMax));
  }
  for (uint32_t i = 0; i < rank; ++i) {
    ASSIGN_OR_RETURN(const uint64_t dimension, file_.TakeU64());
    if (dimension < 1 || dimension > kDimensionMax) {
      return file_.Fault(absl::StrCat("has dimension ", dimension,
                                      ", want 1 to ", kDimensionMax));
    }
    entry.shape.push_back(static_cast<int64_t>(dimension));
  }
  // The file says the fastest dimension first.
  std::reverse(entry.shape.begin(), entry.shape.end());
  ASSIGN_OR_RETURN(const uint32_t type, file_.TakeU32());
  ASSIGN_OR_RETURN(entry.dtype, FromGgmlType(entry.name, type));
  RETURN_IF_ERROR(CheckShape(entry.name, entry.dtype, entry.shape));
  ASSIGN_OR_RETURN(const uint64_t offset, file_.TakeU64());
  if (offset % alignment_ != 0) {
    return file_.Fault(absl::StrCat("is at byte ", offset,
                                    " of the numbers, want a multiple of ",
                                    alignment_));
  }
  const uint64_t bytes = entry.Bytes();
  if (offset > static_cast<uint64_t>(file_.left()) ||
      bytes > static_cast<uint64_t>(file_.left()) - offset) {
    return file_.Fault(absl::StrCat("has ", bytes, " bytes from byte ", offset,
                                    " of the numbers on, past the file's end"));
  }
  tensor.offset = static_cast<int64_t>(offset);
  header_.tensors.push_back(std::move(tensor));
  return absl::OkStatus();
}

absl::Status HeaderReader::ReadTensors() {
  for (uint64_t i = 0; i < tensor_count_; ++i) {
    RETURN_IF_ERROR(ReadTensor(i));
  }
  return absl::OkStatus();
}

// Offsets count from the first aligned byte after the list.
absl::Status HeaderReader::PlaceTensors() {
  const int64_t begin =
      (file_.position() + alignment_ - 1) / alignment_ * alignment_;
  const int64_t size = file_.position() + file_.left();
  for (GgufTensor& tensor : header_.tensors) {
    tensor.offset += begin;
    if (tensor.offset > size - tensor.entry.Bytes()) {
      file_.set_part(absl::StrCat("tensor ", tensor.entry.name));
      return file_.Fault(absl::StrCat("ends at byte ",
                                      tensor.offset + tensor.entry.Bytes(),
                                      ", the file at ", size));
    }
  }
  return CheckOverlaps();
}

absl::Status HeaderReader::CheckOverlaps() const {
  std::vector<const GgufTensor*> order;
  for (const GgufTensor& tensor : header_.tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(),
            [](const GgufTensor* a, const GgufTensor* b) {
              return a->offset < b->offset;
            });
  for (size_t i = 1; i < order.size(); ++i) {
    const GgufTensor& before = *order[i - 1];
    if (before.offset + before.entry.Bytes() > order[i]->offset) {
      return absl::InvalidArgumentError(
          absl::StrCat(order[i]->entry.name, ": starts at byte ",
                       order[i]->offset, ", within ", before.entry.name));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<GgufHeader> HeaderReader::Read() {
  RETURN_IF_ERROR(ReadCounts());
  RETURN_IF_ERROR(ReadMetadata());
  RETURN_IF_ERROR(CheckMetadata());
  RETURN_IF_ERROR(ReadTensors());
  RETURN_IF_ERROR(PlaceTensors());
  return std::move(header_);
}

absl::Status CheckCount(const InputFile& file, const GgufValue& array,
                        int64_t count_max) {
  if (array.count <= count_max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(file.path(), ": a metadata array of ", array.count,
                   " elements, at most ", count_max, " are read"));
}

absl::Status OtherType(absl::string_view key, GgufType type,
                       absl::string_view want) {
  return absl::InvalidArgumentError(absl::StrCat(
      "metadata ", key, " is of type ", NameOf(type), ", want ", want));
}

}  // namespace

const char* NameOf(GgufType type) {
  static constexpr const char* kNames[] = {
      "u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
      "bool", "string", "array", "u64", "i64", "f64"};
  return kNames[static_cast<uint32_t>(type)];
}

absl::StatusOr<const GgufValue*> GgufMetadata::Find(
    absl::string_view key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) {
    return absl::NotFoundError(absl::StrCat("metadata has no ", key));
  }
  return &found->second;
}

absl::StatusOr<int64_t> GgufMetadata::Integer(absl::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue* value, Find(key));
  if (!IsInteger(value->type)) return OtherType(key, value->type, "an integer");
  return value->integer;
}

absl::StatusOr<double> GgufMetadata::Real(absl::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue* value, Find(key));
  if (value->type != GgufType::kF32 && value->type != GgufType::kF64) {
    return OtherType(key, value->type, "f32 or f64");
  }
  return value->real;
}

absl::StatusOr<std::string> GgufMetadata::Text(absl::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue* value, Find(key));
  if (value->type != GgufType::kString) {
    return OtherType(key, value->type, "string");
  }
  return value->text;
}

absl::StatusOr<GgufValue> GgufMetadata::Array(absl::string_view key,
                                              GgufType element) const {
  ASSIGN_OR_RETURN(const GgufValue* value, Find(key));
  if (value->type != GgufType::kArray) {
    return OtherType(key, value->type, "array");
  }
  if (value->element != element) {
    return OtherType(key, value->element, NameOf(element));
  }
  return *value;
}

bool LooksLikeGguf(const InputFile& file) {
  char start[4];
  return file.ReadAt(0, absl::MakeSpan(start)).ok() &&
         absl::string_view(start, sizeof(start)) == "GGUF";
}

absl::StatusOr<GgufHeader> ReadGgufHeader(const InputFile& file) {
  return HeaderReader(file).Read();
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
    ASSIGN_OR_RETURN(std::string text, TakeString(cursor, kTextBytesMax));
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
