#include "engine/weights/safetensors.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/base/internal/endian.h"
#include "absl/container/btree_map.h"
#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "engine/weights/block_mark.h"
#include "engine/weights/strict_json.h"

namespace oxbow {
namespace {

using Json = nlohmann::json;

constexpr char kMetadata[] = "__metadata__";
constexpr int64_t kHeaderBytesMax = int64_t{8} << 20;
// Deepest is {"name": {"shape": [..]}}; metadata is one level less. A tensor
// has ten values at most, and a mark in the metadata.
constexpr StrictJsonLimits kJsonLimits = {3, 12 * kTensorsMax};

struct Range {
  int64_t begin = 0;  // within the numbers
  int64_t end = 0;
};

class Safetensors : public TensorSource {
 public:
  Safetensors(InputFile file, int64_t data_offset)
      : file_(std::move(file)), data_offset_(data_offset) {}

  absl::Span<const TensorEntry> entries() const override { return entries_; }

  SourceFacts facts() const override {
    SourceFacts facts;
    facts.is_canonical = !marks_.empty();
    return facts;
  }

  absl::Status Read(int index, absl::Span<char> bytes) override {
    return file_.ReadAt(data_offset_ + ranges_[index].begin, bytes);
  }

  // Takes over what the header says, if it makes sense.
  absl::Status AddAll(const Json& header);

 private:
  absl::Status AddMarks(const Json& metadata);
  absl::Status Add(const std::string& name, const Json& value);
  absl::Status CheckCoverage() const;
  int64_t data_bytes() const { return file_.size() - data_offset_; }

  InputFile file_;
  int64_t data_offset_;
  absl::btree_map<std::string, BlockMark> marks_;  // by the tensor's name
  std::vector<TensorEntry> entries_;
  std::vector<Range> ranges_;
};

absl::StatusOr<DType> ParseDType(const std::string& name, const Json& value) {
  if (!value.is_string()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": dtype missing"));
  }
  const std::string text = value;
  if (text == "F32") return DType::kF32;
  if (text == "F16") return DType::kF16;
  if (text == "BF16") return DType::kBF16;
  return absl::UnimplementedError(
      absl::StrCat(name, ": dtype ", text.substr(0, kNameBytesMax),
                   "; Oxbow reads F32, F16 and BF16"));
}

// The whole numbers of a JSON array.
absl::StatusOr<std::vector<int64_t>> ParseNumbers(const std::string& name,
                                                  const char* field,
                                                  const Json& value) {
  if (!value.is_array() || value.size() > kRankMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": ", field, " is not a list of at most ", kRankMax));
  }
  std::vector<int64_t> numbers;
  for (const Json& number : value) {
    if (!number.is_number_unsigned() || number.get<uint64_t>() > uint64_t{1}
                                                                     << 62) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, ": ", field, " holds something else than numbers"));
    }
    numbers.push_back(number.get<int64_t>());
  }
  return numbers;
}

const Json& FieldOf(const Json& object, const char* field) {
  static const Json* const kNone = new Json();
  const auto found = object.find(field);
  return found == object.end() ? *kNone : *found;
}

// The dtype and shape of numbers that the file holds as bytes.
absl::Status TakeBlocks(const BlockMark& mark, const Json& dtype,
                        TensorEntry* entry) {
  if (dtype != "U8") {
    return absl::InvalidArgumentError(absl::StrCat(
        entry->name, ": marked as ", TextOf(mark), ", and is not of dtype U8"));
  }
  absl::StatusOr<std::vector<int64_t>> shape =
      NumberShape(mark.dtype, std::move(entry->shape));
  if (!shape.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(entry->name, ": ", shape.status().message()));
  }
  entry->shape = *std::move(shape);
  entry->dtype = mark.dtype;
  entry->transposed = mark.transposed;
  if (!mark.transposed || entry->shape.size() >= 2) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(entry->name, ": marked as transposed, want a matrix"));
}

absl::Status Safetensors::AddMarks(const Json& metadata) {
  if (!metadata.is_object()) return absl::OkStatus();
  for (const auto& [key, value] : metadata.items()) {
    absl::string_view name = key;
    if (!absl::ConsumePrefix(&name, kBlockMarkPrefix)) continue;
    const std::string shown(name.substr(0, kNameBytesMax));
    const absl::StatusOr<BlockMark> mark =
        ParseBlockMark(value.is_string() ? value.get<std::string>() : "");
    if (!mark.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(shown, ": ", mark.status().message()));
    }
    marks_[std::string(name)] = *mark;
  }
  return absl::OkStatus();
}

absl::Status Safetensors::Add(const std::string& name, const Json& value) {
  if (name.empty() || name.size() > kNameBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a tensor's name has ", name.size(), " bytes, want 1 to ",
                     kNameBytesMax));
  }
  if (!value.is_object() || value.size() != 3) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": want exactly dtype, shape and data_offsets"));
  }
  TensorEntry entry;
  entry.name = name;
  ASSIGN_OR_RETURN(entry.shape,
                   ParseNumbers(name, "shape", FieldOf(value, "shape")));
  const Json& dtype = FieldOf(value, "dtype");
  const auto mark = marks_.find(name);
  if (mark == marks_.end()) {
    ASSIGN_OR_RETURN(entry.dtype, ParseDType(name, dtype));
  } else {
    RETURN_IF_ERROR(TakeBlocks(mark->second, dtype, &entry));
  }
  RETURN_IF_ERROR(CheckShape(name, entry.dtype, entry.shape));
  ASSIGN_OR_RETURN(
      std::vector<int64_t> offsets,
      ParseNumbers(name, "data_offsets", FieldOf(value, "data_offsets")));
  if (offsets.size() != 2 || offsets[0] > offsets[1] ||
      offsets[1] > data_bytes()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": data_offsets ", ShapeText(offsets),
                     " do not lie in the ", data_bytes(), " bytes of numbers"));
  }
  if (offsets[1] - offsets[0] != entry.Bytes()) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": ", NameOf(entry.dtype), " ", ShapeText(entry.shape), " takes ",
        entry.Bytes(), " bytes, data_offsets have ", offsets[1] - offsets[0]));
  }
  entries_.push_back(std::move(entry));
  ranges_.push_back({offsets[0], offsets[1]});
  return absl::OkStatus();
}

absl::Status Safetensors::CheckCoverage() const {
  std::vector<size_t> order(ranges_.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return ranges_[a].begin < ranges_[b].begin;
  });
  int64_t covered = 0;
  for (size_t i : order) {
    if (ranges_[i].begin != covered) {
      return absl::InvalidArgumentError(
          absl::StrCat(entries_[i].name, ": starts at byte ", ranges_[i].begin,
                       ", the tensor before ends at ", covered));
    }
    covered = ranges_[i].end;
  }
  if (covered != data_bytes()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_.path(), ": the tensors end at byte ", covered,
                     " of ", data_bytes()));
  }
  return absl::OkStatus();
}

absl::Status Safetensors::AddAll(const Json& header) {
  if (!header.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_.path(), ": the header is not a JSON object"));
  }
  if (header.size() > kTensorsMax + 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_.path(), ": ", header.size(), " tensors, at most ",
                     kTensorsMax, " are read"));
  }
  RETURN_IF_ERROR(AddMarks(FieldOf(header, kMetadata)));
  for (const auto& [name, mark] : marks_) {
    if (name != kMetadata && header.contains(name)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(name.substr(0, kNameBytesMax), ": marked as ",
                     TextOf(mark), ", and no tensor of the file"));
  }
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadata) continue;
    RETURN_IF_ERROR(Add(name, value));
  }
  return CheckCoverage();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TensorSource>> OpenSafetensors(InputFile file) {
  const std::string path = file.path();
  char length_bytes[8];
  RETURN_IF_ERROR(file.ReadAt(0, absl::MakeSpan(length_bytes)));
  const uint64_t length = absl::little_endian::Load64(length_bytes);
  if (length > kHeaderBytesMax ||
      static_cast<int64_t>(length) > file.size() - 8) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": a safetensors header of ", length,
                     " bytes does not fit in the file or in 8 MiB"));
  }
  std::string text(length, '\0');
  RETURN_IF_ERROR(file.ReadAt(8, absl::MakeSpan(text.data(), text.size())));
  const absl::StatusOr<Json> header = ParseStrictJson(text, kJsonLimits);
  if (!header.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": bad safetensors header: ", header.status().message()));
  }
  auto source = absl::make_unique<Safetensors>(
      std::move(file), 8 + static_cast<int64_t>(length));
  RETURN_IF_ERROR(source->AddAll(*header));
  return std::unique_ptr<TensorSource>(std::move(source));
}

}  // namespace oxbow
