// An engine whose calls wait for their answer, for tests.
#ifndef OXBOW_TESTS_TESTING_SYNC_ENGINE_H_
#define OXBOW_TESTS_TESTING_SYNC_ENGINE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "store/stream_store.h"

namespace oxbow {

// A finished generation.
struct GeneratedText {
  Point point;
  std::vector<GeneratedToken> tokens;
  std::vector<FinishedBranch> branches;
};

// Wraps an Engine over a tiny random model and a vocabulary of bytes and
// random longer pieces, or over what the options say. Thread-safe as the
// engine is. Failures of calls come back as statuses.
class SyncEngine {
 public:
  struct Options {
    // Sharing is off, so that tests compare what each stream computes.
    Options() { engine.share_beginnings = false; }

    EngineOptions engine;
    int threads = 1;
    // Files written by WriteTestModel; empty: made in the test's own folder.
    std::string model_path;
    std::string embedder_path;  // empty: no embedder
    std::string reranker_path;  // empty: none
    // As --tokenizer.
    std::string tokenizer;
    // Counts the tokens that the models read; null: nobody asks. Outlives the
    // engine.
    std::atomic<int64_t>* tokens_read = nullptr;
  };

  // Borrows the store.
  static absl::StatusOr<std::unique_ptr<SyncEngine>> Start(
      const Options& options, StreamStore* store);

  Engine& engine() { return *engine_; }
  // Whose streams the calls below mean.
  void set_tenant(const std::string& tenant) { tenant_ = tenant; }

  absl::StatusOr<StreamInfo> Create(const std::string& stream,
                                    EmbeddingPlan plan = {});
  // Opens an Append call, writes the chunks, closes it, waits for its end.
  absl::StatusOr<AppendAck> Append(const std::string& stream,
                                   std::vector<AppendChunk> chunks);
  // One chunk of text at the head.
  absl::StatusOr<AppendAck> AppendText(const std::string& stream,
                                       absl::string_view text);
  absl::StatusOr<AppendAck> AppendIds(const std::string& stream,
                                      std::vector<int> ids);
  // Cut into chunks of the sizes given, the rest in one.
  absl::StatusOr<AppendAck> AppendCut(const std::string& stream,
                                      absl::string_view text,
                                      const std::vector<size_t>& sizes);
  absl::StatusOr<StreamInfo> Get(const std::string& stream, bool full = false);
  // The digest of the head's state, in hexadecimal; the error's text if there
  // is one.
  std::string DigestOf(const std::string& stream);
  absl::StatusOr<StreamInfo> Fork(const std::string& from, At at,
                                  const std::string& to);
  absl::StatusOr<EmbedReply> Embed(EmbedRequest request);
  // The raw vector `last` at a point, not normalized: compares bit for bit.
  absl::StatusOr<std::vector<float>> LastVector(const std::string& stream,
                                                At at);
  absl::StatusOr<GeneratedText> Generate(GenerateRequest request);
  absl::StatusOr<ScoreReply> Score(ScoreRequest request);
  absl::StatusOr<RerankReply> Rerank(RerankRequest request);
  absl::StatusOr<CheckpointInfo> Checkpoint(const std::string& stream, At at,
                                            const std::string& label);
  absl::StatusOr<std::string> Export(const std::string& stream, At at);
  absl::StatusOr<StreamInfo> Import(const std::string& file,
                                    const std::string& stream,
                                    EmbeddingPlan plan = {});
  absl::StatusOr<std::vector<CheckpointInfo>> ListCheckpoints(
      const std::string& stream);
  absl::Status DeleteCheckpoint(const std::string& stream,
                                const std::string& label);
  absl::Status Delete(const std::string& stream);
  absl::StatusOr<std::vector<StreamInfo>> List();
  absl::StatusOr<std::string> Text(const std::string& stream);
  absl::StatusOr<ReadEmbeddingsReply> Timeline(const std::string& stream,
                                               bool partial);
  void Drain();

 private:
  StreamName NameOf(const std::string& stream) const {
    return {tenant_, stream};
  }

  RealClock clock_;
  std::string tenant_ = StreamName().tenant;
  std::unique_ptr<Engine> engine_;
};

// Points.
At AtHead();
At AtByte(uint64_t byte);
At AtToken(uint64_t token);
At AtLabel(const std::string& label);

// A tiny model and vocabulary of their own name in the test's folder, made
// once: the path of the model, whose vocabulary stands beside it. With
// `embedder`, one with a trained head's tensors. `version` as in
// TinyModelOptions; others than "7" have an initial state of their own.
std::string WriteTestModel(bool embedder, const std::string& version = "7");

// One of them, or another model, with a tokenizer as --tokenizer.
absl::StatusOr<ReaderSpec> LoadTestModel(const std::string& path,
                                         const std::string& tokenizer,
                                         int threads);

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_SYNC_ENGINE_H_
