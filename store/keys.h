// Every key of a store, here only. docs/store_format.md has the whole table.
//
// Numbers are eight bytes, big-endian, so that the order of keys is the order
// of numbers. A string that others follow is escaped (0 becomes 0 255) and
// ended by 0 1: no two lists of strings share a key, whatever their bytes,
// and the order of keys is the order of the strings.
#ifndef OXBOW_STORE_KEYS_H_
#define OXBOW_STORE_KEYS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "store/records.h"

namespace oxbow {

// Keys from `begin` up to, not with, `end`.
struct KeyRange {
  std::string begin;
  std::string end;
};

// Family `meta`.
std::string FormatKey();
std::string UidLimitKey();
std::string PropertyKey(absl::string_view name);
std::string StreamKey(StreamUid uid);
std::string UnownedKey(StreamUid uid);
std::string NameKey(absl::string_view tenant, absl::string_view name);
std::string RequestKey(StreamUid uid, absl::string_view request_id);
KeyRange AllStreams();
KeyRange AllUnowned();
KeyRange AllRequests();
KeyRange NamesAfter(absl::string_view tenant, absl::string_view name);
KeyRange RequestsOf(StreamUid uid);
// A beginning that a uid has, found by what it is, and by whose it is.
std::string BeginningKey(absl::string_view tenant, absl::string_view reader,
                         const Digest& mark, StreamUid uid);
KeyRange BeginningsLike(absl::string_view tenant, absl::string_view reader,
                        const Digest& mark);
std::string OwnBeginningKey(StreamUid uid, absl::string_view beginning_key);
KeyRange BeginningsOf(StreamUid uid);

// What an entry of `meta` is, as its key's first letter tells. kUnknown: a
// later release's.
enum class MetaKind {
  kBeginning,
  kFormat,
  kName,
  kOwnBeginning,
  kProperty,
  kRequest,
  kStream,
  kUidLimit,
  kUnowned,
  kUnknown,
};
MetaKind KindOfMetaKey(absl::string_view key);

// Every key of any family.
KeyRange AllKeys();

// Family `log`.
std::string LogKey(StreamUid uid, uint64_t byte_offset, uint64_t sequence);

// Families `checkpoint` and `state`.
std::string CheckpointKey(StreamUid uid, absl::string_view reader,
                          uint64_t token_offset);
KeyRange CheckpointsOf(StreamUid uid, absl::string_view reader);

// Family `embedding`.
std::string EmbeddingKey(StreamUid uid, uint64_t token_begin);

// Everything of a uid in the families `log`, `checkpoint`, `state` and
// `embedding`.
KeyRange AllOf(StreamUid uid);

// The uid a key of StreamKey, UnownedKey, RequestKey, BeginningKey or of the
// other families names; the byte or token offset of a LogKey or EmbeddingKey;
// the sequence of a LogKey. DataLoss: it is no such key.
absl::StatusOr<StreamUid> UidOfMetaKey(absl::string_view key);
absl::StatusOr<StreamUid> UidOfRequestKey(absl::string_view key);
absl::StatusOr<StreamUid> UidOfKey(absl::string_view key);
absl::StatusOr<uint64_t> OffsetOfKey(absl::string_view key);
absl::StatusOr<uint64_t> SequenceOfLogKey(absl::string_view key);
absl::StatusOr<StreamUid> UidOfBeginningKey(absl::string_view key);

}  // namespace oxbow

#endif  // OXBOW_STORE_KEYS_H_
