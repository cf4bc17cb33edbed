// What can be asked of the engine, and what it answers. The service turns
// messages into these; nothing here knows gRPC.
//
// Offsets are in bytes or in tokens, always said; tokens are the generator's.
#ifndef OXBOW_ENGINE_REQUESTS_H_
#define OXBOW_ENGINE_REQUESTS_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "store/records.h"

namespace oxbow {

// Set by the caller to stop a request early; it then ends with Cancelled.
using CancelFlag = std::shared_ptr<std::atomic<bool>>;

inline bool IsCancelled(const CancelFlag& flag) {
  return flag != nullptr && flag->load(std::memory_order_relaxed);
}

// Names a stream. Both parts match [A-Za-z0-9._-]{1,128}, else
// InvalidArgument/BAD_STREAM_ID.
struct StreamName {
  std::string tenant = "default";
  std::string stream;
};

// A point of a stream.
struct At {
  enum class Kind {
    kHead,   // the durable end when the request arrived
    kByte,   // after the first `offset` bytes, when the log first got there
    kToken,  // after `offset` decided tokens
    kLabel,  // where the savepoint `label` was put
    // `position`, as an answer told it. Not for clients.
    kPosition,
  };
  Kind kind = Kind::kHead;
  uint64_t offset = 0;
  std::string label;
  Position position;
};

// Where a request found itself.
struct Point {
  Position position;
  uint64_t token_offset = 0;  // decided tokens up to here, as if text ended
};

struct StreamInfo {
  StreamName name;
  absl::Time created;
  absl::Time expires;
  std::map<std::string, std::string> labels;
  EmbeddingPlan plan;
  std::string forked_from;
  Position fork_position;     // where it left the stream it was forked from
  Position begin;             // where it was imported as a state, or zero
  Position durable;           // the head
  Position applied;           // run through the model, or held undecided
  Position checkpoint;        // end of the newest stored state
  uint64_t token_offset = 0;  // decided tokens at `applied`
  uint64_t undecided_bytes = 0;
  uint64_t epoch = 0;
  // Only when asked for: the digest of the state at `durable`.
  absl::optional<Digest> state_digest;
};

struct CreateStreamRequest {
  StreamName name;
  std::map<std::string, std::string> labels;  // at most 64
  absl::optional<absl::Duration> ttl;
  EmbeddingPlan plan;
};

struct ExportStateRequest {
  StreamName name;
  At at;
};

struct ImportStateRequest {
  CreateStreamRequest create;
  std::string file;  // as ExportState gives it
};

struct ForkRequest {
  StreamName from;
  At at;
  StreamName to;  // same tenant
  std::map<std::string, std::string> labels;
  absl::optional<absl::Duration> ttl;
  absl::optional<EmbeddingPlan> plan;  // default: the parent's
};

// One piece handed to AppendSession::Write.
struct AppendChunk {
  // Where the client believes it belongs; nullopt: at the head.
  absl::optional<Position> position;
  LogRecord::Kind kind = LogRecord::Kind::kText;
  std::string text;      // kText; empty: a poll
  std::vector<int> ids;  // kTokens
  // SHA-256 of the text; checked when given (DataLoss/CHUNK_DIGEST).
  absl::optional<std::string> digest;
};

struct AppendAck {
  Position durable;
  Position applied;
  Position checkpoint;
  uint64_t undecided_bytes = 0;
  uint64_t token_offset = 0;  // decided tokens at `applied`
};

enum class Pooling { kLast, kMean, kHead };

// EmbeddingRWKV's way with texts of any length: see long_text.h.
struct LongText {
  int context_tokens = 2048;  // 1 .. 65,536
  int chunk_tokens = 512;     // 1 .. context_tokens
};

struct EmbedRequest {
  // A point or span of a stream, or (stream empty) the inline text or ids.
  absl::optional<StreamName> name;
  At at;
  absl::optional<uint64_t> from_byte;
  std::vector<std::string> texts;     // at most 256
  std::vector<std::vector<int>> ids;  // instead of texts
  Pooling pooling = Pooling::kLast;
  std::string head;    // kHead: "retr" if empty
  int dimensions = 0;  // keep the first so many; 0: all
  bool normalize = true;
  // Of inline texts, with kHead only.
  std::string instruction;  // at most 4,096 bytes; of texts, not of ids
  absl::optional<LongText> long_text;
  CancelFlag cancelled;
};

struct EmbedReply {
  std::vector<std::vector<float>> vectors;  // one, or one an inline text
  Point point;
  Pooling pooling = Pooling::kLast;
  // True for a vector of a plain language model: good for little search.
  bool raw = true;
};

struct StreamPoint {
  StreamName name;
  At at;
};

struct RerankRequest {
  std::string query;                 // or (empty)
  std::vector<int> query_ids;        // the embedder's, read as they are
  std::vector<StreamPoint> streams;  // at most 256
  CancelFlag cancelled;
};

struct RankedStream {
  StreamName name;
  int index = 0;  // in the request
  float score = 0;
  float logit = 0;
  Point point;
  // The embedder read no prefix before the document.
  bool plain = true;
};

struct RerankReply {
  std::vector<RankedStream> ranked;  // the best first
};

struct ReadEmbeddingsRequest {
  StreamName name;
  uint64_t from_token = 0;  // spans that begin at or after it
  int limit = 256;
  // Waits until there is one, if there is none yet.
  bool follow = false;
  // Also the open span at the end, marked partial.
  bool partial = false;
  CancelFlag cancelled;
};

struct TimelineEntry {
  EmbeddingRecord record;
  bool partial = false;
};

struct ReadEmbeddingsReply {
  std::vector<TimelineEntry> entries;
  // True if no later stored entry existed when the reply was made.
  bool at_end = false;
  bool raw = true;
  Point applied;
};

// RWKV's own order (BlinkDL): bias and bans, penalties, softmax at T = 1,
// top-p, top-k, p^(1/T), draw. Temperature 0 is greedy.
struct Sampling {
  float temperature = 1.0f;        // 0 .. 100
  float top_p = 0.85f;             // 0 .. 1; 0: greedy
  int top_k = 0;                   // 0: off
  float presence_penalty = 0.0f;   // alpha_presence
  float frequency_penalty = 0.0f;  // alpha_frequency
  float penalty_decay = 0.996f;    // alpha_decay
  uint64_t seed = 0;
  std::map<int, float> logit_bias;  // -inf bans; at most 1,024
};

struct GenerateRequest {
  StreamName name;
  At at;
  std::string prompt;           // after a seam
  std::vector<int> prompt_ids;  // instead of the prompt
  Sampling sampling;
  int branches = 1;                // 1 .. 16
  int tokens_max = 64;             // 1 .. 4,096 a branch
  std::vector<std::string> stops;  // at most 16, of 1 .. 256 bytes
  std::vector<int> stop_ids;       // end of document stops by default
  bool ignore_end_of_document = false;
  int top_logprobs = 0;  // 0 .. 20
  // Nothing is kept unless one of these is set.
  std::string keep_as;                // a new stream; ID.1 .. ID.n with n > 1
  bool commit = false;                // at the head, n = 1
  absl::optional<Position> expected;  // commit: where the head must be
  // Not empty: the generation can be gone on with by this id. The same request
  // with the same id is the same generation.
  std::string request_id;
  // Go on with the generation that has the id: but for the name, all else is as
  // it was first asked, whatever is here.
  bool resume = false;
  // resume: the first index of each branch to be told; 0 for those not named.
  std::vector<int> from_index;
  CancelFlag cancelled;
};

struct TokenLogprob {
  int id = 0;
  float logprob = 0;
};

struct GeneratedToken {
  int branch = 0;
  int index = 0;  // 0 is the branch's first
  int id = 0;
  std::string bytes;  // of the token
  float logprob = 0;  // natural log, at T = 1, before top-p, after bias
  std::vector<TokenLogprob> top;
};

enum class FinishReason { kLength, kStopText, kStopToken, kEndOfDocument };

struct FinishedBranch {
  int branch = 0;
  FinishReason reason = FinishReason::kLength;
  std::string text;  // without the stop text and what follows it
  int tokens = 0;
  std::string kept_as;  // the stream that keeps it, if any
  // The head after a commit.
  absl::optional<Point> committed;
};

struct ScoreRequest {
  StreamName name;
  At at;
  std::vector<std::string> texts;     // at most 256
  std::vector<std::vector<int>> ids;  // instead of texts
  CancelFlag cancelled;
};

struct ScoredText {
  double logprob = 0;  // sum
  std::vector<TokenLogprob> tokens;
};

struct ScoreReply {
  std::vector<ScoredText> scores;
  Point point;
};

struct CheckpointRequest {
  StreamName name;
  At at;
  std::string label;  // empty: an ordinary checkpoint
};

struct CheckpointInfo {
  Position position;  // what the client named
  uint64_t token_offset = 0;
  std::vector<std::string> labels;
  absl::Time created;
  absl::optional<Digest> state_digest;  // of the point, when just made
};

struct ReadTextRequest {
  StreamName name;
  uint64_t from_byte = 0;            // 0 of an imported stream: where it begins
  absl::optional<uint64_t> to_byte;  // default: the durable end
  // At least one byte, unless the span is empty.
  size_t bytes_max = 1 << 18;
};

struct ReadTextReply {
  uint64_t byte_offset = 0;
  std::string text;
  uint64_t durable = 0;
};

struct Limits {
  size_t chunk_bytes_max = 1 << 20;      // one chunk's text
  int chunk_ids_max = 1 << 18;           // one chunk's ids
  size_t append_window_bytes = 4 << 20;  // unapplied bytes of one call
  int generated_tokens_max = 4096;
  int branches_max = 16;
  int texts_max = 256;
  int rerank_streams_max = 256;
  size_t prompt_bytes_max = 1 << 20;
  int top_logprobs_max = 20;
  int labels_max = 64;
  int open_streams_max = 64;       // whose states are in memory
  int running_requests_max = 256;  // Generate, Score, Embed, Rerank at once
  int append_calls_max = 4096;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_REQUESTS_H_
