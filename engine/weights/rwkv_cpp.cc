#include "engine/weights/rwkv_cpp.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/internal/endian.h"
#include "absl/container/flat_hash_set.h"
#include "absl/memory/memory.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/weights/file_cursor.h"
#include "engine/weights/ggml_types.h"
#include "kernels/blocks.h"

namespace oxbow {
namespace {

constexpr uint32_t kMagic = 0x67676d66;
constexpr uint32_t kVersionOldBlocks = 100;
constexpr uint32_t kVersionNow = 101;

// What the converter did to a tensor, and Read() undoes.
enum class Computed {
  kNothing,
  kExp,        // exp(x)
  kMinusExp,   // -exp(x)
  kExpExp,     // exp(-exp(x))
  kOldBlocks,  // a block format of version 100
};

struct Place {
  int64_t offset = 0;  // in the file
  Computed computed = Computed::kNothing;
};

// The logarithm, as far down as fp32 can tell: exp() of less rounds to zero.
// NaN for what is not zero or more.
double Log(double number) {
  return number >= 0 ? std::max(-104.0, std::log(number)) : std::nan("");
}

// The x of a stored number y. Where fp32 cannot tell x from a limit, an x that
// gives the same y: results are finite. NaN if there is none.
double Undo(Computed computed, double y) {
  switch (computed) {
    case Computed::kExp:
      return Log(y);
    case Computed::kMinusExp:
      return Log(-y);
    case Computed::kExpExp:
      // A decay of one is exp(-x) for all x below 2^-25.
      return y > 1 ? std::nan("") : std::log(std::max(-Log(y), 0x1p-26));
    default:
      return y;
  }
}

absl::Status UndoAll(const TensorEntry& entry, Computed computed,
                     absl::Span<char> bytes) {
  for (size_t i = 0; i < bytes.size(); i += sizeof(float)) {
    float stored;
    std::memcpy(&stored, &bytes[i], sizeof(stored));
    const float number = static_cast<float>(Undo(computed, stored));
    if (!std::isfinite(number)) {
      return absl::InvalidArgumentError(
          absl::StrCat(entry.name, ": holds ", stored,
                       ", which no decay of this version gives"));
    }
    std::memcpy(&bytes[i], &number, sizeof(number));
  }
  return absl::OkStatus();
}

// A scale as fp16. One that is too large, or no number, becomes infinite, which
// the loader refuses.
uint16_t HalfScale(float scale) {
  constexpr uint16_t kInfinite = 0x7c00;
  return std::fabs(scale) < 65520.0f ? NarrowToHalf(scale) : kInfinite;
}

// A block of version 100: fp32 scales, if it has any, and neighbours in one
// byte. `nibbles` is 0 in Q8_0.
struct OldBlock {
  int float_scales = 0;
  int nibbles = 0;  // bytes of them, at the block's end
};

OldBlock OldBlockOf(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
      return {1, 16};
    case DType::kQ4_1:
      return {2, 16};
    case DType::kQ8_0:
      return {1, 0};
    default:  // Q5_0, Q5_1
      return {0, 16};
  }
}

int64_t OldBytes(DType dtype) {
  const int64_t scale_bytes_more = sizeof(float) - sizeof(uint16_t);
  return BytesPerBlock(dtype) +
         OldBlockOf(dtype).float_scales * scale_bytes_more;
}

// From an old block to one of today.
void ConvertBlock(DType dtype, const char* from, char* to) {
  const OldBlock old = OldBlockOf(dtype);
  char* const to_end = to + BytesPerBlock(dtype);
  const char* const from_end = from + OldBytes(dtype);
  for (int i = 0; i < old.float_scales; ++i) {
    float scale;
    std::memcpy(&scale, from, sizeof(scale));
    const uint16_t half = HalfScale(scale);
    std::memcpy(to, &half, sizeof(half));
    from += sizeof(scale);
    to += sizeof(half);
  }
  // The fifth bits, or Q8_0's numbers.
  std::memcpy(to, from, to_end - old.nibbles - to);
  for (int i = 0; i < old.nibbles; ++i) {
    const auto number = [&](int n) {
      const uint8_t pair = from_end[n / 2 - old.nibbles];
      return n % 2 == 0 ? pair & 15 : pair >> 4;
    };
    to_end[i - old.nibbles] =
        static_cast<char>(number(i) | number(i + old.nibbles) << 4);
  }
}

// The matrices the converter transposes, in RWKV-6 and RWKV-7.
bool IsLowRank(absl::string_view part) {
  static constexpr absl::string_view kParts[] = {"time_maa_w1",
                                                 "time_maa_w2",
                                                 "time_decay_w1",
                                                 "time_decay_w2",
                                                 "w1",
                                                 "w2",
                                                 "a1",
                                                 "a2",
                                                 "v1",
                                                 "v2",
                                                 "g1",
                                                 "g2"};
  return std::find(std::begin(kParts), std::end(kParts), part) !=
         std::end(kParts);
}

// "^T" is Interpret()'s.
bool IsName(absl::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_';
  });
}

class RwkvCpp : public TensorSource {
 public:
  explicit RwkvCpp(InputFile file) : file_(std::move(file)) {}

  absl::Status Open();

  absl::Span<const TensorEntry> entries() const override { return entries_; }
  SourceFacts facts() const override { return facts_; }
  absl::Status Read(int index, absl::Span<char> bytes) override;

 private:
  absl::Status ReadHeader(FileCursor& cursor);
  absl::Status ReadTensor(FileCursor& cursor);
  absl::Status ReadOldBlocks(int index, absl::Span<char> bytes);
  bool Has(absl::string_view name) const { return names_.contains(name); }
  absl::Status Interpret();
  absl::Status Expect(size_t index, Computed computed);

  const InputFile file_;
  uint32_t version_ = 0;
  SourceFacts facts_;
  std::vector<TensorEntry> entries_;
  std::vector<Place> places_;
  absl::flat_hash_set<std::string> names_;
};

absl::Status RwkvCpp::ReadHeader(FileCursor& cursor) {
  RETURN_IF_ERROR(cursor.Skip(sizeof(kMagic)));
  ASSIGN_OR_RETURN(version_, cursor.TakeU32());
  if (version_ != kVersionOldBlocks && version_ != kVersionNow) {
    return absl::UnimplementedError(
        absl::StrCat("a ggmf file of version ", version_,
                     "; Oxbow reads rwkv.cpp's versions 100 and 101"));
  }
  ASSIGN_OR_RETURN(facts_.vocabulary_size, cursor.TakeU32());
  ASSIGN_OR_RETURN(facts_.width, cursor.TakeU32());
  ASSIGN_OR_RETURN(facts_.layers, cursor.TakeU32());
  ASSIGN_OR_RETURN(const uint32_t type, cursor.TakeU32());
  return FromRwkvCppType("the header", type).status();
}

absl::Status RwkvCpp::ReadTensor(FileCursor& cursor) {
  if (entries_.size() == kTensorsMax) {
    return cursor.Fault(
        absl::StrCat("is one more than the ", kTensorsMax, " that are read"));
  }
  TensorEntry entry;
  ASSIGN_OR_RETURN(const uint32_t rank, cursor.TakeU32());
  ASSIGN_OR_RETURN(const uint32_t name_bytes, cursor.TakeU32());
  ASSIGN_OR_RETURN(const uint32_t type, cursor.TakeU32());
  if (rank < 1 || rank > 3) {
    return cursor.Fault(absl::StrCat("has ", rank, " dimensions, want 1 to 3"));
  }
  if (name_bytes < 1 || name_bytes > kNameBytesMax) {
    return cursor.Fault(absl::StrCat("has a name of ", name_bytes,
                                     " bytes, want 1 to ", kNameBytesMax));
  }
  for (uint32_t i = 0; i < rank; ++i) {
    ASSIGN_OR_RETURN(const uint32_t dimension, cursor.TakeU32());
    entry.shape.push_back(dimension);
  }
  // The file says the fastest dimension first.
  std::reverse(entry.shape.begin(), entry.shape.end());
  ASSIGN_OR_RETURN(entry.name, cursor.TakeBytes(name_bytes));
  if (!IsName(entry.name)) {
    return cursor.Fault(absl::StrCat("is named '", absl::CHexEscape(entry.name),
                                     "', want letters, digits, '.' and '_'"));
  }
  if (!names_.insert(entry.name).second) {
    return cursor.Fault(absl::StrCat("is named ", entry.name, " like another"));
  }
  ASSIGN_OR_RETURN(entry.dtype, FromRwkvCppType(entry.name, type));
  RETURN_IF_ERROR(CheckShape(entry.name, entry.dtype, entry.shape));
  Place place;
  place.offset = cursor.position();
  cursor.set_part(absl::StrCat("tensor ", entry.name));
  uint64_t bytes = entry.Bytes();
  if (version_ == kVersionOldBlocks && NumbersPerBlock(entry.dtype) > 1) {
    if (NumbersPerBlock(entry.dtype) > 32) {
      return cursor.Fault(absl::StrCat("is ", NameOf(entry.dtype),
                                       ", which version 100 does not know"));
    }
    place.computed = Computed::kOldBlocks;
    bytes = bytes / BytesPerBlock(entry.dtype) * OldBytes(entry.dtype);
  }
  RETURN_IF_ERROR(cursor.Skip(bytes));
  entries_.push_back(std::move(entry));
  places_.push_back(place);
  return absl::OkStatus();
}

absl::Status RwkvCpp::Expect(size_t index, Computed computed) {
  if (entries_[index].dtype != DType::kF32) {
    return absl::InvalidArgumentError(
        absl::StrCat(entries_[index].name, ": is ",
                     NameOf(entries_[index].dtype), ", want fp32"));
  }
  places_[index].computed = computed;
  return absl::OkStatus();
}

// Tells what the converter did from the version of the model. The names of
// transposed tensors get a mark, for engine/weights/rwkv_cpp_naming.cc.
absl::Status RwkvCpp::Interpret() {
  const bool is7 = Has("blocks.0.att.x_rwkvag");
  const bool is6 = Has("blocks.0.att.time_maa_x");
  const bool is4 = !is7 && !is6 && !Has("blocks.0.att.ln_x.weight");
  for (size_t i = 0; i < entries_.size(); ++i) {
    TensorEntry& entry = entries_[i];
    const std::string part = entry.name.substr(entry.name.rfind('.') + 1);
    if ((is7 || is6) && IsLowRank(part)) {
      entry.name += "^T";
    } else if (is6 && part == "time_decay") {
      entry.shape = {entry.Count()};  // from [H,S,1]
    } else if (!is7 && part == "time_decay") {
      RETURN_IF_ERROR(Expect(i, is4 ? Computed::kMinusExp : Computed::kExpExp));
    } else if (!is7 && !is6 && !is4 && part == "time_first") {
      RETURN_IF_ERROR(Expect(i, Computed::kExp));
    }
  }
  return absl::OkStatus();
}

absl::Status RwkvCpp::Open() {
  FileCursor cursor(&file_);
  RETURN_IF_ERROR(ReadHeader(cursor));
  while (cursor.left() > 0) {
    cursor.set_part(absl::StrCat("tensor ", entries_.size()));
    RETURN_IF_ERROR(ReadTensor(cursor));
  }
  if (entries_.empty()) {
    return absl::InvalidArgumentError("an rwkv.cpp file without tensors");
  }
  return Interpret();
}

absl::Status RwkvCpp::ReadOldBlocks(int index, absl::Span<char> bytes) {
  constexpr size_t kBlocksAtOnce = 4096;
  const DType dtype = entries_[index].dtype;
  const size_t from_bytes = OldBytes(dtype), to_bytes = BytesPerBlock(dtype);
  std::vector<char> old;
  int64_t offset = places_[index].offset;
  for (char* to = bytes.data(); to < bytes.data() + bytes.size();) {
    const size_t left = (bytes.data() + bytes.size() - to) / to_bytes;
    old.resize(std::min(kBlocksAtOnce, left) * from_bytes);
    RETURN_IF_ERROR(file_.ReadAt(offset, absl::MakeSpan(old)));
    offset += old.size();
    for (size_t from = 0; from < old.size(); from += from_bytes) {
      ConvertBlock(dtype, &old[from], to);
      to += to_bytes;
    }
  }
  return absl::OkStatus();
}

absl::Status RwkvCpp::Read(int index, absl::Span<char> bytes) {
  const Place& place = places_[index];
  if (place.computed == Computed::kOldBlocks) {
    return ReadOldBlocks(index, bytes);
  }
  RETURN_IF_ERROR(file_.ReadAt(place.offset, bytes));
  if (place.computed == Computed::kNothing) return absl::OkStatus();
  return UndoAll(entries_[index], place.computed, bytes);
}

}  // namespace

bool LooksLikeRwkvCpp(const InputFile& file) {
  char start[sizeof(kMagic)];
  return file.ReadAt(0, absl::MakeSpan(start)).ok() &&
         absl::little_endian::Load32(start) == kMagic;
}

absl::StatusOr<std::unique_ptr<TensorSource>> OpenRwkvCpp(InputFile file) {
  auto source = absl::make_unique<RwkvCpp>(std::move(file));
  RETURN_IF_ERROR(source->Open());
  return std::unique_ptr<TensorSource>(std::move(source));
}

}  // namespace oxbow
