// The store's values: structs to bytes and back.
#ifndef OXBOW_STORE_ENCODE_RECORDS_H_
#define OXBOW_STORE_ENCODE_RECORDS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "store/records.h"

namespace oxbow {

// A checkpoint as the family `checkpoint` holds it: all but the state.
struct StoredCheckpoint {
  CheckpointHeader header;
  Digest state_sha256{};
  uint64_t state_bytes = 0;
};

// Each Encode gives the value to store under `key`; each Decode gives back
// what was encoded under the same key. Times keep whole nanoseconds.
//
// DataLoss: the value is damaged, belongs to another key, or says what no
// release ever writes. Unimplemented: it was written by a later release.
std::string EncodeStream(absl::string_view key, const StreamRecord& stream);
absl::StatusOr<StreamRecord> DecodeStream(absl::string_view key,
                                          absl::string_view value);

std::string EncodeLogRecord(absl::string_view key, const LogRecord& record);
absl::StatusOr<LogRecord> DecodeLogRecord(absl::string_view key,
                                          absl::string_view value);

std::string EncodeCheckpoint(absl::string_view key,
                             const StoredCheckpoint& checkpoint);
absl::StatusOr<StoredCheckpoint> DecodeCheckpoint(absl::string_view key,
                                                  absl::string_view value);

std::string EncodeEmbedding(absl::string_view key,
                            const EmbeddingRecord& embedding);
absl::StatusOr<EmbeddingRecord> DecodeEmbedding(absl::string_view key,
                                                absl::string_view value);

// The token where the beginning ends.
std::string EncodeBeginning(absl::string_view key, uint64_t token_offset);
absl::StatusOr<uint64_t> DecodeBeginning(absl::string_view key,
                                         absl::string_view value);

std::string EncodeNameOwner(absl::string_view key, StreamUid uid);
absl::StatusOr<StreamUid> DecodeNameOwner(absl::string_view key,
                                          absl::string_view value);

// When the uid's stream was deleted; nullopt: it never had one.
std::string EncodeUnowned(absl::string_view key,
                          absl::optional<absl::Time> deleted);
absl::StatusOr<absl::optional<absl::Time>> DecodeUnowned(
    absl::string_view key, absl::string_view value);

std::string EncodeOpaque(absl::string_view key, absl::string_view bytes);
absl::StatusOr<std::string> DecodeOpaque(absl::string_view key,
                                         absl::string_view value);

// A request's bytes; DecodeOpaque reads them. `made`: StoreBatch::Request.
std::string EncodeRequest(absl::string_view key, absl::string_view bytes,
                          absl::optional<absl::Time> made);
absl::StatusOr<absl::optional<absl::Time>> DecodeMade(absl::string_view key,
                                                      absl::string_view value);

std::string EncodeUidLimit(absl::string_view key, StreamUid next);
absl::StatusOr<StreamUid> DecodeUidLimit(absl::string_view key,
                                         absl::string_view value);

}  // namespace oxbow

#endif  // OXBOW_STORE_ENCODE_RECORDS_H_
