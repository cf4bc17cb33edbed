#include "store/keys.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace oxbow {
namespace {

// The first byte of a key in `meta`.
constexpr char kBeginning = 'B';
constexpr char kFormat = 'F';
constexpr char kUidLimit = 'I';
constexpr char kName = 'N';
constexpr char kOwnBeginning = 'O';
constexpr char kProperty = 'P';
constexpr char kRequest = 'R';
constexpr char kStream = 'S';
constexpr char kUnowned = 'U';

constexpr size_t kNumberBytes = 8;

std::string Number(uint64_t value) {
  std::string bytes(kNumberBytes, '\0');
  for (size_t i = 0; i < kNumberBytes; ++i) {
    bytes[i] = static_cast<char>(value >> (8 * (kNumberBytes - 1 - i)));
  }
  return bytes;
}

uint64_t ParseNumber(absl::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < kNumberBytes; ++i) {
    value = value << 8 | static_cast<uint8_t>(bytes[i]);
  }
  return value;
}

std::string Ended(absl::string_view text) {
  std::string bytes;
  for (char c : text) {
    bytes.push_back(c);
    if (c == '\0') bytes.push_back('\xff');
  }
  return bytes.append("\0\1", 2);
}

std::string Letter(char letter) { return std::string(1, letter); }

// Everything that begins with `prefix`, whose last byte is below 255 or which
// has one below 255 before.
KeyRange Prefixed(std::string prefix) {
  std::string end = prefix;
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  OXBOW_CHECK(!end.empty()) << "no key is past every key";
  ++end.back();
  return {std::move(prefix), std::move(end)};
}

absl::Status NotAKey(absl::string_view key) {
  return absl::DataLossError(
      absl::StrCat("The store has a key of no known form: ",
                   absl::BytesToHexString(key.substr(0, 64)), "."));
}

}  // namespace

std::string FormatKey() { return Letter(kFormat); }

std::string UidLimitKey() { return Letter(kUidLimit); }

std::string PropertyKey(absl::string_view name) {
  return absl::StrCat(Letter(kProperty), name);
}

std::string StreamKey(StreamUid uid) {
  return absl::StrCat(Letter(kStream), Number(uid));
}

std::string UnownedKey(StreamUid uid) {
  return absl::StrCat(Letter(kUnowned), Number(uid));
}

std::string NameKey(absl::string_view tenant, absl::string_view name) {
  return absl::StrCat(Letter(kName), Ended(tenant), name);
}

std::string RequestKey(StreamUid uid, absl::string_view request_id) {
  return absl::StrCat(Letter(kRequest), Number(uid), request_id);
}

KeyRange AllStreams() { return Prefixed(Letter(kStream)); }

KeyRange AllUnowned() { return Prefixed(Letter(kUnowned)); }

KeyRange AllRequests() { return Prefixed(Letter(kRequest)); }

KeyRange NamesAfter(absl::string_view tenant, absl::string_view name) {
  KeyRange range = Prefixed(absl::StrCat(Letter(kName), Ended(tenant)));
  if (!name.empty()) {
    // The next key after the name's own.
    range.begin = absl::StrCat(range.begin, name, absl::string_view("\0", 1));
  }
  return range;
}

KeyRange RequestsOf(StreamUid uid) {
  return Prefixed(absl::StrCat(Letter(kRequest), Number(uid)));
}

std::string BeginningKey(absl::string_view tenant, absl::string_view reader,
                         const Digest& mark, StreamUid uid) {
  return absl::StrCat(BeginningsLike(tenant, reader, mark).begin, Number(uid));
}

KeyRange BeginningsLike(absl::string_view tenant, absl::string_view reader,
                        const Digest& mark) {
  return Prefixed(absl::StrCat(Letter(kBeginning), Ended(tenant), Ended(reader),
                               AsBytes(mark)));
}

std::string OwnBeginningKey(StreamUid uid, absl::string_view beginning_key) {
  return absl::StrCat(Letter(kOwnBeginning), Number(uid), beginning_key);
}

KeyRange BeginningsOf(StreamUid uid) {
  return Prefixed(absl::StrCat(Letter(kOwnBeginning), Number(uid)));
}

MetaKind KindOfMetaKey(absl::string_view key) {
  switch (key.empty() ? '\0' : key[0]) {
    case kBeginning:
      return MetaKind::kBeginning;
    case kFormat:
      return MetaKind::kFormat;
    case kName:
      return MetaKind::kName;
    case kOwnBeginning:
      return MetaKind::kOwnBeginning;
    case kProperty:
      return MetaKind::kProperty;
    case kRequest:
      return MetaKind::kRequest;
    case kStream:
      return MetaKind::kStream;
    case kUidLimit:
      return MetaKind::kUidLimit;
    case kUnowned:
      return MetaKind::kUnowned;
    default:
      return MetaKind::kUnknown;
  }
}

// Uids begin at 1 and never reach the last.
KeyRange AllKeys() { return {"", std::string(kNumberBytes, '\xff')}; }

std::string LogKey(StreamUid uid, uint64_t byte_offset, uint64_t sequence) {
  return absl::StrCat(Number(uid), Number(byte_offset), Number(sequence));
}

std::string CheckpointKey(StreamUid uid, absl::string_view reader,
                          uint64_t token_offset) {
  return absl::StrCat(Number(uid), Ended(reader), Number(token_offset));
}

KeyRange CheckpointsOf(StreamUid uid, absl::string_view reader) {
  return Prefixed(absl::StrCat(Number(uid), Ended(reader)));
}

std::string EmbeddingKey(StreamUid uid, uint64_t token_begin) {
  return absl::StrCat(Number(uid), Number(token_begin));
}

KeyRange AllOf(StreamUid uid) { return Prefixed(Number(uid)); }

absl::StatusOr<StreamUid> UidOfMetaKey(absl::string_view key) {
  if (key.size() != 1 + kNumberBytes) return NotAKey(key);
  return ParseNumber(key.substr(1));
}

absl::StatusOr<StreamUid> UidOfRequestKey(absl::string_view key) {
  if (key.size() < 1 + kNumberBytes) return NotAKey(key);
  return ParseNumber(key.substr(1));
}

absl::StatusOr<StreamUid> UidOfKey(absl::string_view key) {
  if (key.size() < kNumberBytes) return NotAKey(key);
  return ParseNumber(key);
}

absl::StatusOr<uint64_t> OffsetOfKey(absl::string_view key) {
  if (key.size() < 2 * kNumberBytes) return NotAKey(key);
  return ParseNumber(key.substr(kNumberBytes));
}

absl::StatusOr<StreamUid> UidOfBeginningKey(absl::string_view key) {
  if (key.size() < 1 + sizeof(Digest) + kNumberBytes) return NotAKey(key);
  return ParseNumber(key.substr(key.size() - kNumberBytes));
}

absl::StatusOr<uint64_t> SequenceOfLogKey(absl::string_view key) {
  if (key.size() != 3 * kNumberBytes) return NotAKey(key);
  return ParseNumber(key.substr(2 * kNumberBytes));
}

}  // namespace oxbow
