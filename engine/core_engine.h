// The engine that Engine::Start makes.
#ifndef OXBOW_ENGINE_CORE_ENGINE_H_
#define OXBOW_ENGINE_CORE_ENGINE_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/bulk_share.h"
#include "engine/engine.h"
#include "engine/engine_context.h"
#include "engine/generation_table.h"
#include "engine/inbox.h"
#include "engine/live_append.h"
#include "engine/operation.h"
#include "engine/reader.h"
#include "engine/stream_table.h"

namespace oxbow {

// Carries every call to the engine thread, which runs
//
//   what was posted -> a step of each reader -> housekeeping
//
// for ever. See life_of_a_chunk.md.
class CoreEngine : public Engine {
 public:
  CoreEngine(const EngineOptions& options, ReaderSpec generator,
             absl::optional<ReaderSpec> embedder, StreamStore* store,
             const Clock* clock);
  ~CoreEngine() override;

  // FailedPrecondition/MODEL_MISMATCH if the store was made by other models.
  absl::Status ClaimStore();
  void Run();

  void CreateStream(CreateStreamRequest request,
                    Callback<StreamInfo> done) override;
  void GetStream(StreamName name, bool full,
                 Callback<StreamInfo> done) override;
  void ListStreams(std::string tenant, std::string after, int limit,
                   Callback<std::vector<StreamInfo>> done) override;
  void DeleteStream(StreamName name, Callback<bool> done) override;
  std::shared_ptr<AppendSession> OpenAppend(
      StreamName name, absl::optional<Position> last_durable,
      AppendSession::Observer* observer) override;
  void Embed(EmbedRequest request, Callback<EmbedReply> done) override;
  void ReadEmbeddings(ReadEmbeddingsRequest request,
                      Callback<ReadEmbeddingsReply> done) override;
  void Rerank(RerankRequest request, Callback<RerankReply> done) override;
  void Generate(GenerateRequest request, GenerateObserver* observer) override;
  void Score(ScoreRequest request, Callback<ScoreReply> done) override;
  void Fork(ForkRequest request, Callback<StreamInfo> done) override;
  void Checkpoint(CheckpointRequest request,
                  Callback<CheckpointInfo> done) override;
  void ExportState(ExportStateRequest request,
                   Callback<std::string> done) override;
  void ImportState(ImportStateRequest request,
                   Callback<StreamInfo> done) override;
  void ListCheckpoints(StreamName name,
                       Callback<std::vector<CheckpointInfo>> done) override;
  void DeleteCheckpoint(StreamName name, std::string label,
                        Callback<bool> done) override;
  void ReadText(ReadTextRequest request, Callback<ReadTextReply> done) override;
  void Drain(std::function<void()> done) override;

  const ModelInfo& generator_info() const override {
    return generator_->info();
  }
  const ModelInfo* embedder_info() const override {
    return embedder_ != nullptr ? &embedder_->info() : nullptr;
  }
  const ModelInfo* reranker_info() const override {
    return reranker_ != nullptr ? &reranker_->info() : nullptr;
  }
  const Tokenizer& tokenizer() const override {
    return generator_->tokenizer();
  }
  const Digest& generator_id() const override { return generator_->id(); }
  const Limits& limits() const override { return context_.options.limits; }

 private:
  using WithOperation =
      std::function<void(std::shared_ptr<Operation> operation)>;

  void Loop();
  // A step of each reader.
  void StepReaders();
  void Housekeep();
  void MaybeFinishDrain();
  // Requests that ask or wait, and those that compute (Generate, Score, Embed
  // and Rerank), have limits of their own: whoever waits for spans that may
  // never come must not take the place of who computes, nor keep anybody from
  // appending.
  absl::Status AdmitQuestion() const;
  absl::Status AdmitWork() const;
  absl::Status CheckServing() const;
  absl::Status ClaimFor(const Reader& reader,
                        const std::string& file_name) const;
  // Engine thread: opens the stream and counts the request, as a question or
  // as work; `fail` is told what stood in the way.
  void Begin(const StreamName& name, WithOperation begin,
             std::function<void(absl::Status)> fail);
  void BeginWork(const StreamName& name, WithOperation begin,
                 std::function<void(absl::Status)> fail);
  void Open(const StreamName& name, int* count, WithOperation begin,
            std::function<void(absl::Status)> fail);
  void WithCursor(
      std::shared_ptr<Operation> operation, At at,
      std::function<void(absl::StatusOr<const Cursor*>, Position)> done);
  void ReadPartial(std::shared_ptr<Operation> operation,
                   ReadEmbeddingsRequest request,
                   Callback<ReadEmbeddingsReply> done);
  void ReadStored(std::shared_ptr<Operation> operation,
                  ReadEmbeddingsRequest request,
                  absl::optional<EmbeddingRecord> partial,
                  Callback<ReadEmbeddingsReply> done);
  const Reader& TimelineReader() const {
    return embedder_ != nullptr ? *embedder_ : *generator_;
  }

  EngineContext context_;
  const std::string generator_file_;
  const std::string embedder_file_;
  const std::unique_ptr<Reranker> reranker_;  // null: none
  StatePool pool_;
  const std::unique_ptr<Reader> generator_;
  const std::unique_ptr<Reader> embedder_;  // null: none
  BulkShare bulk_share_;
  Inbox inbox_;
  std::unique_ptr<StreamTable> streams_;
  GenerationTable generations_;
  int asking_ = 0;
  int working_ = 0;
  int append_calls_ = 0;
  bool draining_ = false;
  std::function<void()> on_drained_;
  bool stopping_ = false;
  absl::Time last_housekeeping_;
  absl::Time last_sweep_;
  std::unique_ptr<StoreWorker> worker_;
  std::unique_ptr<LogWriter> log_;
  std::thread thread_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_CORE_ENGINE_H_
