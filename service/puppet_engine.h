// An engine without a model, for tests of the service and its clients.
#ifndef OXBOW_SERVICE_PUPPET_ENGINE_H_
#define OXBOW_SERVICE_PUPPET_ENGINE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "engine/engine.h"
#include "service/puppet_append.h"
#include "service/tokenize_worker.h"

namespace oxbow {

// Streams are strings, tokens are bytes, a state's digest is the text's and its
// file the text, a vector counts letters, a logit how often the query stands
// in the text; Generate says "abc...". Answers come
// on a thread of its own, as the real engine's do. Any call can be made to
// fail.
//
// Thread-safe.
class PuppetEngine : public Engine {
 public:
  PuppetEngine();

  // Asked before each request is answered, with the method's name, on the
  // puppet's thread; what is not OK becomes the answer. Set it before calls.
  std::function<absl::Status(const std::string& method)> on_request;

  // Generate goes on until its flag says stop.
  void set_endless(bool endless);
  PuppetAppendScript* append_script() { return &append_script_; }
  // Waits for the session of that number, the first is 0.
  std::shared_ptr<PuppetAppend> session(int number);
  std::string text(const std::string& stream);
  void set_text(const std::string& stream, const std::string& text);
  // Requests answered with Cancelled because their flag said so.
  int cancelled_count();

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

  const ModelInfo& generator_info() const override { return info_; }
  const ModelInfo* embedder_info() const override { return nullptr; }
  const ModelInfo* reranker_info() const override { return nullptr; }
  const Tokenizer& tokenizer() const override { return *tokenizer_; }
  const Digest& generator_id() const override { return id_; }
  const Limits& limits() const override { return limits_; }
  void Drain(std::function<void()> done) override;

 private:
  // Runs `answer` on the thread, unless on_request or draining refuse.
  template <typename T>
  void Answer(const std::string& method, Callback<T> done,
              std::function<absl::StatusOr<T>()> answer);
  absl::Status Allow(const std::string& method);
  PuppetStream* Find(const StreamName& name);
  absl::StatusOr<uint64_t> Locate(const PuppetStream& stream, const At& at);
  StreamInfo InfoOf(const PuppetStream& stream);
  // Keeps a request that has an id, or fills in the one that it resumes.
  absl::Status Remember(GenerateRequest* request);
  void GenerateNext(std::shared_ptr<GenerateRequest> request,
                    GenerateObserver* observer, int index);

  ModelInfo info_;
  Limits limits_;
  Digest id_{};
  std::unique_ptr<Tokenizer> tokenizer_;
  PuppetAppendScript append_script_;

  absl::Mutex mu_;
  std::map<std::string, std::unique_ptr<PuppetStream>> streams_;
  std::map<std::string, std::vector<CheckpointInfo>> checkpoints_;
  std::map<std::string, GenerateRequest> generations_;  // by id
  std::vector<std::shared_ptr<PuppetAppend>> sessions_;
  bool endless_ = false;
  bool draining_ = false;
  int cancelled_count_ = 0;
  TokenizeWorker thread_;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_PUPPET_ENGINE_H_
