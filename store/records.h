// The values the store keeps, as the engine sees them. What is on disk is
// records.proto; keys.h has the keys.
#ifndef OXBOW_STORE_RECORDS_H_
#define OXBOW_STORE_RECORDS_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "base/sha256.h"

namespace oxbow {

// Never reused within one store. 0 names no stream.
using StreamUid = uint64_t;

// A place in a log: after `byte_offset` bytes and, of the tokens of zero
// bytes that stand there, after the first `zero_byte_tokens`.
struct Position {
  uint64_t byte_offset = 0;
  uint64_t zero_byte_tokens = 0;

  friend bool operator==(const Position& a, const Position& b) {
    return std::tie(a.byte_offset, a.zero_byte_tokens) ==
           std::tie(b.byte_offset, b.zero_byte_tokens);
  }
  friend bool operator!=(const Position& a, const Position& b) {
    return !(a == b);
  }
  friend bool operator<(const Position& a, const Position& b) {
    return std::tie(a.byte_offset, a.zero_byte_tokens) <
           std::tie(b.byte_offset, b.zero_byte_tokens);
  }
  friend bool operator<=(const Position& a, const Position& b) {
    return !(b < a);
  }
};

// One record of a log.
struct LogRecord {
  enum class Kind {
    kText,    // bytes to be tokenized
    kTokens,  // ids of the generator, kept as given
  };
  Kind kind = Kind::kText;
  // Where the record begins, counted from the beginning of the stream.
  Position begin;
  // Orders the records of one uid; the first has 0.
  uint64_t sequence = 0;
  std::string text;      // kText
  std::vector<int> ids;  // kTokens
  // Bytes the record adds to the stream: the text's size, or the sizes of the
  // ids' pieces.
  uint64_t byte_length = 0;
  // Tokens of zero bytes that stand at the end of the record, counted from
  // its last byte (or from its beginning if it adds none).
  uint64_t zero_byte_tokens_at_end = 0;
  // The writer's epoch.
  uint64_t epoch = 0;
  // How the ids were made (a serialized GenerateRequest), or empty.
  std::string provenance;
  // Running digest of the uid's records up to and with this one
  // (ChainDigest); the engine sets it, the store checks it on read.
  Digest chain{};

  // The position after the record.
  Position End() const {
    if (byte_length > 0) {
      return {begin.byte_offset + byte_length, zero_byte_tokens_at_end};
    }
    return {begin.byte_offset,
            begin.zero_byte_tokens + zero_byte_tokens_at_end};
  }
};

// The digest of a record that follows `previous` (all zero for the first of
// a uid): SHA-256 over previous, kind, begin, sequence and content.
Digest ChainDigest(const Digest& previous, const LogRecord& record);

// A piece of an ancestor's log that a forked stream shares.
struct Segment {
  StreamUid uid = 0;
  // The segment is the log of `uid` from the end of the segment before it (or
  // the beginning) up to here.
  Position end;
  // True if text after `end` is tokenized afresh (a fork at a token).
  bool seam_at_end = false;
  // Set: the segment was imported as a state, after so many of the
  // generator's tokens. Its uid has that checkpoint and no log.
  absl::optional<uint64_t> imported_tokens;
};

// What the embedder makes of a stream: when it gives a vector of a stretch, and
// what it reads before the first byte.
struct EmbeddingPlan {
  enum class Kind { kNone, kEveryTokens, kParagraph, kSentence };
  Kind kind = Kind::kNone;
  int tokens = 0;  // kEveryTokens
  // Text read before the stream's first byte, tokenized together with it; in no
  // log and in no offset. Empty: none.
  std::string prefix;
  // The reader that reads it: "embedder", or "generator" where that is the
  // embedder. Fixed when the stream is made; empty without a prefix.
  std::string prefix_reader;
  // Whether a client asked for the same.
  friend bool operator==(const EmbeddingPlan& a, const EmbeddingPlan& b) {
    return a.kind == b.kind && a.tokens == b.tokens && a.prefix == b.prefix;
  }
};

// What the store knows of a stream besides its log.
struct StreamRecord {
  StreamUid uid = 0;
  std::string tenant;
  std::string name;
  absl::Time created;
  // InfiniteFuture: never. An expired stream is as if deleted.
  absl::Time expires = absl::InfiniteFuture();
  std::map<std::string, std::string> labels;
  EmbeddingPlan plan;
  // Raised by each writer that takes the stream over.
  uint64_t epoch = 0;
  // The shared beginning, oldest first; empty for a stream of its own.
  std::vector<Segment> ancestry;  // at most 1,000
  // The stream it was forked from, as the client named it; empty if none.
  std::string forked_from;
  // The fork request (or create request) as a digest: an identical retry
  // finds its own work.
  Digest request_digest{};
  // The models whose tokens the log holds, by reader ("generator", ...).
  std::map<std::string, Digest> model_ids;
};

// A label put on a checkpoint by a client: a savepoint.
struct Savepoint {
  std::string label;
  // What the client saw as the head: at or after the checkpoint's position.
  Position position;
  absl::Time created;
};

// Everything of a checkpoint but the state.
struct CheckpointHeader {
  StreamUid uid = 0;
  std::string reader;  // "generator", "embedder"
  uint64_t token_offset = 0;
  // Where the last of these tokens ends.
  Position position;
  // Chained digest of the ids up to here, with the model.
  Digest id_chain{};
  Digest model_id{};
  std::string layout_id;
  std::string numerics_id;
  absl::Time created;
  std::vector<Savepoint> savepoints;  // empty: may be dropped by retention
};

struct Checkpoint {
  CheckpointHeader header;
  std::string state;
};

// That a stream begins with certain tokens: `mark` is a digest of them, and of
// whatever else must be the same before two streams may share what came of
// them. A hint, not a promise: whoever finds one looks at the uid's data.
struct Beginning {
  StreamUid uid = 0;
  std::string tenant;
  std::string reader;
  Digest mark{};
  uint64_t token_offset = 0;  // where it ends
};

// One entry of a stream's timeline.
struct EmbeddingRecord {
  uint64_t token_begin = 0;
  uint64_t token_end = 0;
  uint64_t byte_begin = 0;
  uint64_t byte_end = 0;
  std::vector<float> vector;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_RECORDS_H_
