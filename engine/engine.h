// The engine: everything Oxbow does with streams, behind one thread.
//
// Calls only enqueue; answers come through callbacks, on the engine's thread
// or the log thread, which must only enqueue in turn. One engine thread owns
// scheduler, models and states. Disk is touched by the store's threads.
#ifndef OXBOW_ENGINE_ENGINE_H_
#define OXBOW_ENGINE_ENGINE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "engine/model/model.h"
#include "engine/model/reranker.h"
#include "engine/requests.h"
#include "engine/tokenizer/tokenizer.h"
#include "store/stream_store.h"

namespace oxbow {

template <typename T>
using Callback = std::function<void(absl::StatusOr<T>)>;

// One Append call. Thread-safe. Made by Engine::OpenAppend.
class AppendSession {
 public:
  // What the call's owner is told. Acks are cumulative; only the newest
  // matters. After OnDone nothing comes any more.
  class Observer {
   public:
    virtual ~Observer() = default;
    // The first ack comes before any chunk is taken.
    virtual void OnAck(const AppendAck& ack) = 0;
    // The session can take another chunk; comes once after each Write that
    // was accepted and once after the first ack. Withheld while
    // Limits::append_window_bytes are unapplied: this is the back-pressure.
    virtual void OnReady() = 0;
    // OK after Close(), once all is durable and applied; else the error.
    // Aborted/STALE_EPOCH: a newer call took the stream over.
    virtual void OnDone(const absl::Status& status, const AppendAck& last) = 0;
  };

  virtual ~AppendSession() = default;
  // Call only after OnReady. Errors end the session through OnDone:
  // OutOfRange/OFFSET_GAP, AlreadyExists/CHUNK_CONFLICT,
  // InvalidArgument/CHUNK_TOO_LARGE, FailedPrecondition/NO_TOKENIZER ...
  virtual void Write(AppendChunk chunk) = 0;
  // The client has sent its last.
  virtual void Close() = 0;
  // The client is gone: what is durable is applied anyway; OnDone comes with
  // Cancelled.
  virtual void Cancel() = 0;
};

// A Generate call's listener.
class GenerateObserver {
 public:
  virtual ~GenerateObserver() = default;
  virtual void OnStart(const Point& point) = 0;
  virtual void OnToken(const GeneratedToken& token) = 0;
  virtual void OnBranch(const FinishedBranch& branch) = 0;
  // After it nothing comes any more.
  virtual void OnDone(const absl::Status& status) = 0;
};

// A model and the tokenizer that feeds it.
struct ReaderSpec {
  std::unique_ptr<Model> model;
  std::unique_ptr<Tokenizer> tokenizer;
  std::string file_name;  // as told to users
  // Scores this model's states; null: none. Of the model that embeds.
  std::unique_ptr<Reranker> reranker;
};

struct EngineOptions {
  Limits limits;
  // Tokens between two checkpoints of a stream. Fewer: less to replay after
  // a crash or for a look into the past; more: less to write.
  int checkpoint_tokens = 4096;
  int checkpoints_max = 128;  // of one stream and reader, besides savepoints
  // A stream that begins as another of its tenant goes on from that one's
  // states. Changes no result, only whether it is computed again.
  bool share_beginnings = true;
  // Rows in one step. More rows raise throughput, and the wait of a decode
  // row that comes a moment late.
  int step_rows_max = 256;
  // Rows one sequence may take in a step while others wait.
  int sequence_rows_max = 64;
  // Tokens a stream reads before it gives its state's place to one that waits
  // for it. Fewer: text of a thousand streams moves on more evenly; more: fewer
  // states go to the store and back.
  uint64_t turn_tokens = 1024;
  // The same, if who waits for it waits for an answer: enough that text comes
  // on even if questions never end.
  uint64_t turn_tokens_before_answer = 128;
  // How many times longer a token somebody waits for may take because
  // documents are read beside it; see BulkShare, which does not use all of it
  // where tokens get slow. Documents keep about 1 - 1/bulk_slowdown_max of
  // their speed. Above 1.
  double bulk_slowdown_max = 8;
  // Text of all Append calls on its way to the log. Past this a call has one
  // chunk on its way at most: of thousands, each with its window, they would
  // be gigabytes.
  size_t log_queue_bytes_max = 64 << 20;
  // A stream untouched for so long gives its state back (after a checkpoint).
  absl::Duration idle_close = absl::Minutes(10);
};

// Thread-safe. Borrows the store and the clock, which must outlive it.
class Engine {
 public:
  // Starts the threads. `embedder` may be empty. FailedPrecondition/
  // MODEL_MISMATCH: the store was made by another model, both ids named.
  static absl::StatusOr<std::unique_ptr<Engine>> Start(
      const EngineOptions& options, ReaderSpec generator,
      absl::optional<ReaderSpec> embedder, StreamStore* store,
      const Clock* clock);
  virtual ~Engine() = default;

  virtual void CreateStream(CreateStreamRequest request,
                            Callback<StreamInfo> done) = 0;
  // `full` adds the state digest: the state is loaded if need be.
  virtual void GetStream(StreamName name, bool full,
                         Callback<StreamInfo> done) = 0;
  // By name, after `after`.
  virtual void ListStreams(std::string tenant, std::string after, int limit,
                           Callback<std::vector<StreamInfo>> done) = 0;
  virtual void DeleteStream(StreamName name, Callback<bool> done) = 0;

  // `last_durable`: what the client was told before; DataLoss if less is
  // held. The stream must exist (NotFound). `observer` must outlive OnDone.
  virtual std::shared_ptr<AppendSession> OpenAppend(
      StreamName name, absl::optional<Position> last_durable,
      AppendSession::Observer* observer) = 0;

  virtual void Embed(EmbedRequest request, Callback<EmbedReply> done) = 0;
  virtual void ReadEmbeddings(ReadEmbeddingsRequest request,
                              Callback<ReadEmbeddingsReply> done) = 0;
  // FailedPrecondition/NO_RERANKER. Errors of one stream are the call's.
  virtual void Rerank(RerankRequest request, Callback<RerankReply> done) = 0;
  // `observer` must outlive OnDone.
  virtual void Generate(GenerateRequest request,
                        GenerateObserver* observer) = 0;
  virtual void Score(ScoreRequest request, Callback<ScoreReply> done) = 0;
  virtual void Fork(ForkRequest request, Callback<StreamInfo> done) = 0;
  virtual void Checkpoint(CheckpointRequest request,
                          Callback<CheckpointInfo> done) = 0;
  // The state of a point as a file (state_file.h), the text still open.
  virtual void ExportState(ExportStateRequest request,
                           Callback<std::string> done) = 0;
  // A new stream that begins with such a file: offsets go on, what came before
  // is not here (OutOfRange/BEFORE_IMPORT). An identical retry finds its own
  // work. InvalidArgument/BAD_STATE_FILE; FailedPrecondition/MODEL_MISMATCH.
  virtual void ImportState(ImportStateRequest request,
                           Callback<StreamInfo> done) = 0;
  virtual void ListCheckpoints(StreamName name,
                               Callback<std::vector<CheckpointInfo>> done) = 0;
  // Removes a savepoint's label. NotFound.
  virtual void DeleteCheckpoint(StreamName name, std::string label,
                                Callback<bool> done) = 0;
  virtual void ReadText(ReadTextRequest request,
                        Callback<ReadTextReply> done) = 0;

  // Facts that never change; safe from any thread.
  virtual const ModelInfo& generator_info() const = 0;
  virtual const ModelInfo* embedder_info() const = 0;  // null: none
  virtual const ModelInfo* reranker_info() const = 0;  // null: none
  virtual const Tokenizer& tokenizer() const = 0;      // the generator's
  virtual const Digest& generator_id() const = 0;      // weights + tokenizer
  virtual const Limits& limits() const = 0;

  // Refuses new work with Unavailable/DRAINING, ends Append calls at a chunk
  // border, checkpoints every stream, then calls `done`. Nothing is replayed
  // at the next start.
  virtual void Drain(std::function<void()> done) = 0;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_ENGINE_H_
