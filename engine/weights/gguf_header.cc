#include "engine/weights/gguf_header.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/weights/file_cursor.h"
#include "engine/weights/ggml_types.h"
#include "engine/weights/gguf_value.h"

namespace oxbow {
namespace {

constexpr uint64_t kKeysMax = 4096;
constexpr int64_t kAlignmentDefault = 32;
constexpr int64_t kAlignmentMax = 1 << 20;

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
    ASSIGN_OR_RETURN(const std::string key,
                     TakeGgufString(file_, kNameBytesMax));
    if (!IsPrintable(key)) {
      return file_.Fault(absl::StrCat("is '", absl::CHexEscape(key),
                                      "', want printable ASCII"));
    }
    file_.set_part(absl::StrCat("metadata ", key));
    ASSIGN_OR_RETURN(GgufValue value, TakeGgufValue(file_));
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
  ASSIGN_OR_RETURN(entry.name, TakeGgufString(file_, kNameBytesMax));
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

}  // namespace

bool LooksLikeGguf(const InputFile& file) {
  char start[4];
  return file.ReadAt(0, absl::MakeSpan(start)).ok() &&
         absl::string_view(start, sizeof(start)) == "GGUF";
}

absl::StatusOr<GgufHeader> ReadGgufHeader(const InputFile& file) {
  return HeaderReader(file).Read();
}

}  // namespace oxbow
