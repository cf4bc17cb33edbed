#include "engine/state_file.h"

#include <algorithm>

#include "absl/base/internal/endian.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

constexpr absl::string_view kMagic("OXBOWST\0", 8);
constexpr uint32_t kVersion = 1;
constexpr uint32_t kNameBytesMax = 1024;
// Offsets a program in any language can hold.
constexpr uint64_t kOffsetMax = (uint64_t{1} << 63) - 1;

void Add32(uint32_t number, std::string* to) {
  char bytes[4];
  absl::little_endian::Store32(bytes, number);
  to->append(bytes, sizeof(bytes));
}

void Add64(uint64_t number, std::string* to) {
  char bytes[8];
  absl::little_endian::Store64(bytes, number);
  to->append(bytes, sizeof(bytes));
}

absl::Status Damaged(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("state file: ", what));
}

// Takes the fields of a file one after another; the first that is not there
// stays as the error.
class Fields {
 public:
  explicit Fields(absl::string_view bytes) : rest_(bytes) {}

  absl::string_view Bytes(uint64_t count) {
    if (!status_.ok() || count > rest_.size()) {
      status_.Update(Damaged("ends early"));
      return {};
    }
    const absl::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  uint32_t Number32() {
    const absl::string_view bytes = Bytes(4);
    return status_.ok() ? absl::little_endian::Load32(bytes.data()) : 0;
  }
  uint64_t Number64() {
    const absl::string_view bytes = Bytes(8);
    return status_.ok() ? absl::little_endian::Load64(bytes.data()) : 0;
  }
  Digest Sum() {
    Digest digest{};
    const absl::string_view bytes = Bytes(digest.size());
    std::copy(bytes.begin(), bytes.end(), digest.begin());
    return digest;
  }
  std::string Sized(uint32_t size_max, absl::string_view what) {
    const uint32_t size = Number32();
    if (status_.ok() && size > size_max) {
      status_ = Damaged(
          absl::StrCat(what, " of ", size, " bytes, at most ", size_max));
    }
    return std::string(Bytes(size));
  }

  const absl::Status& status() const { return status_; }
  bool empty() const { return rest_.empty(); }

 private:
  absl::string_view rest_;
  absl::Status status_;
};

// That it is a state file at all, and of this version.
absl::Status CheckFrame(absl::string_view bytes) {
  if (!absl::ConsumePrefix(&bytes, kMagic)) {
    return Damaged("does not begin with OXBOWST");
  }
  Fields fields(bytes);
  const uint32_t version = fields.Number32();
  RETURN_IF_ERROR(fields.status());
  if (version != kVersion) {
    return Damaged(
        absl::StrCat("of version ", version, "; this Oxbow reads ", kVersion));
  }
  return absl::OkStatus();
}

}  // namespace

Digest StateDigest(const StateFile& file) {
  Sha256Hasher hasher;
  hasher.AddSized(file.layout_id);
  hasher.AddNumber(file.token_offset);
  hasher.Add(AsBytes(file.id_chain));
  hasher.AddSized(file.state);
  hasher.AddSized(file.undecided);
  return hasher.Finish();
}

std::string EncodeStateFile(const StateFile& file) {
  std::string bytes(kMagic);
  Add32(kVersion, &bytes);
  absl::StrAppend(&bytes, AsBytes(file.model_id));
  Add64(file.token_offset, &bytes);
  Add64(file.position.byte_offset, &bytes);
  Add64(file.position.zero_byte_tokens, &bytes);
  absl::StrAppend(&bytes, AsBytes(file.id_chain), AsBytes(StateDigest(file)));
  for (const std::string* text :
       {&file.layout_id, &file.numerics_id, &file.undecided}) {
    Add32(static_cast<uint32_t>(text->size()), &bytes);
    bytes += *text;
  }
  Add64(file.state.size(), &bytes);
  bytes += file.state;
  const Digest sum = Sha256(bytes);
  absl::StrAppend(&bytes, AsBytes(sum));
  return bytes;
}

absl::StatusOr<StateFile> DecodeStateFile(absl::string_view bytes) {
  RETURN_IF_ERROR(CheckFrame(bytes));
  Fields fields(bytes);
  fields.Bytes(kMagic.size());
  fields.Number32();
  StateFile file;
  file.model_id = fields.Sum();
  file.token_offset = fields.Number64();
  file.position.byte_offset = fields.Number64();
  file.position.zero_byte_tokens = fields.Number64();
  file.id_chain = fields.Sum();
  const Digest state_digest = fields.Sum();
  file.layout_id = fields.Sized(kNameBytesMax, "a layout id");
  file.numerics_id = fields.Sized(kNameBytesMax, "a numerics id");
  file.undecided = fields.Sized(kUndecidedBytesMax, "undecided text");
  file.state = std::string(fields.Bytes(fields.Number64()));
  const Digest sum = fields.Sum();
  RETURN_IF_ERROR(fields.status());
  if (!fields.empty()) return Damaged("bytes follow its end");
  if (sum != Sha256(bytes.substr(0, bytes.size() - sum.size()))) {
    return Damaged("its SHA-256 is not that of its bytes");
  }
  if (state_digest != StateDigest(file)) {
    return Damaged("the state digest is not that of the state");
  }
  if (file.token_offset > kOffsetMax ||
      file.position.byte_offset > kOffsetMax ||
      file.position.zero_byte_tokens > file.token_offset) {
    return Damaged("offsets that cannot be");
  }
  return file;
}

}  // namespace oxbow
