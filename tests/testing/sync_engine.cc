#include "tests/testing/sync_engine.h"

#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "engine/model/load_model.h"
#include "tests/testing/counted_model.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {
namespace {

constexpr int kVocabulary = 512;

// Waits for a callback's answer.
template <typename T>
class Answer {
 public:
  Callback<T> callback() {
    return [this](absl::StatusOr<T> answer) {
      answer_ = std::move(answer);
      given_.Notify();
    };
  }
  absl::StatusOr<T> Wait() {
    given_.WaitForNotification();
    return std::move(answer_);
  }

 private:
  absl::StatusOr<T> answer_ = absl::UnknownError("no answer");
  absl::Notification given_;
};

// Writes chunk after chunk as the session allows.
class ChunkWriter : public AppendSession::Observer {
 public:
  explicit ChunkWriter(std::vector<AppendChunk> chunks)
      : chunks_(std::move(chunks)) {}

  void OnAck(const AppendAck&) override {}
  void OnReady() override {
    absl::MutexLock lock(&mu_);
    ++ready_;
  }
  void OnDone(const absl::Status& status, const AppendAck& last) override {
    absl::MutexLock lock(&mu_);
    status_ = status;
    last_ = last;
    done_ = true;
  }

  absl::StatusOr<AppendAck> Write(AppendSession* session) {
    for (AppendChunk& chunk : chunks_) {
      if (!WaitUntilReady()) break;
      session->Write(std::move(chunk));
    }
    if (WaitUntilReady()) session->Close();
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&done_));
    if (!status_.ok()) return status_;
    return last_;
  }

 private:
  // False once the call is over.
  bool WaitUntilReady() {
    absl::MutexLock lock(&mu_);
    const auto ready_or_done = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return ready_ > 0 || done_;
    };
    mu_.Await(absl::Condition(&ready_or_done));
    if (ready_ > 0 && !done_) --ready_;
    return !done_;
  }

  std::vector<AppendChunk> chunks_;
  absl::Mutex mu_;
  int ready_ ABSL_GUARDED_BY(mu_) = 0;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  AppendAck last_ ABSL_GUARDED_BY(mu_);
};

class TextCollector : public GenerateObserver {
 public:
  void OnStart(const Point& point) override { text_.point = point; }
  void OnToken(const GeneratedToken& token) override {
    text_.tokens.push_back(token);
  }
  void OnBranch(const FinishedBranch& branch) override {
    text_.branches.push_back(branch);
  }
  void OnDone(const absl::Status& status) override {
    status_ = status;
    done_.Notify();
  }
  absl::StatusOr<GeneratedText> Wait() {
    done_.WaitForNotification();
    if (!status_.ok()) return status_;
    return std::move(text_);
  }

 private:
  GeneratedText text_;
  absl::Status status_;
  absl::Notification done_;
};

std::string Literal(const std::string& piece) {
  std::string literal = "b'";
  for (unsigned char c : piece) {
    absl::StrAppend(&literal, "\\x", absl::Hex(c, absl::kZeroPad2));
  }
  return literal + "'";
}

// All bytes, then random pieces over a small alphabet (so that they overlap
// and nest), some of them cutting through the bytes of UTF-8 characters.
void WriteVocabulary(const std::string& path) {
  std::ofstream file(path);
  int id = 1;
  for (int byte = 0; byte < 256; ++byte) {
    file << id++ << " " << Literal(std::string(1, byte)) << " 1\n";
  }
  std::mt19937_64 random(7);
  const std::string alphabet = "abc \n\xc3\xa9";
  std::set<std::string> seen;
  while (id < kVocabulary - 40) {
    std::string piece;
    const int length = 2 + random() % 7;
    for (int i = 0; i < length; ++i) {
      piece += alphabet[random() % alphabet.size()];
    }
    if (!seen.insert(piece).second) continue;
    file << id++ << " " << Literal(piece) << " " << length << "\n";
  }
}

std::string WriteModelOnce(const std::string& stem, bool embedder,
                           const std::string& version) {
  const std::string path = absl::StrCat(
      std::getenv("TEST_TMPDIR") != nullptr ? std::getenv("TEST_TMPDIR") : ".",
      "/", stem, ".safetensors");
  if (std::ifstream(path).good()) return path;
  TinyModelOptions options;
  options.version = version;
  // The older ones begin with a state of their own, which replays must reach.
  options.time_state = version != "7";
  options.layers = 2;
  options.width = 32;
  options.head_size = 16;
  options.vocabulary_size = kVocabulary;
  options.ffn_width = 64;
  options.seed = embedder ? 2 : 1;
  if (embedder) {
    options.embedding_heads = {"retr"};
    options.lm_head = false;
  }
  WriteVocabulary(absl::StrCat(path.substr(0, path.rfind('.')), ".vocab"));
  OXBOW_CHECK_OK(WriteTinyModel(options, path));
  return path;
}

void Count(std::atomic<int64_t>* tokens, ReaderSpec* reader) {
  reader->model =
      std::make_unique<CountedModel>(std::move(reader->model), tokens);
}

}  // namespace

absl::StatusOr<ReaderSpec> LoadTestModel(const std::string& path,
                                         const std::string& tokenizer,
                                         int threads) {
  LoadModelOptions load;
  load.threads = threads;
  ReaderSpec spec;
  ASSIGN_OR_RETURN(spec.model, LoadModel(path, load));
  ASSIGN_OR_RETURN(
      spec.tokenizer,
      MakeTokenizer(tokenizer, path, spec.model->info().vocabulary_size));
  spec.file_name = path;
  return spec;
}

std::string WriteTestModel(bool embedder, const std::string& version) {
  return WriteModelOnce(
      absl::StrCat(embedder ? "embedder" : "generator", version), embedder,
      version);
}

absl::StatusOr<std::unique_ptr<SyncEngine>> SyncEngine::Start(
    const Options& options, StreamStore* store) {
  auto sync = std::make_unique<SyncEngine>();
  const std::string path =
      options.model_path.empty() ? WriteTestModel(false) : options.model_path;
  ASSIGN_OR_RETURN(ReaderSpec generator,
                   LoadTestModel(path, options.tokenizer, options.threads));
  absl::optional<ReaderSpec> embedder;
  if (!options.embedder_path.empty()) {
    ASSIGN_OR_RETURN(embedder,
                     LoadTestModel(options.embedder_path, "", options.threads));
  }
  if (options.tokens_read != nullptr) {
    Count(options.tokens_read, &generator);
    if (embedder.has_value()) Count(options.tokens_read, &*embedder);
  }
  if (!options.reranker_path.empty()) {
    ReaderSpec& reader = embedder.has_value() ? *embedder : generator;
    ASSIGN_OR_RETURN(reader.reranker, Reranker::Load(options.reranker_path,
                                                     {options.threads, {}},
                                                     reader.model->info()));
  }
  ASSIGN_OR_RETURN(sync->engine_,
                   Engine::Start(options.engine, std::move(generator),
                                 std::move(embedder), store, &sync->clock_));
  return sync;
}

absl::StatusOr<StreamInfo> SyncEngine::Create(const std::string& stream,
                                              EmbeddingPlan plan) {
  CreateStreamRequest request;
  request.name = NameOf(stream);
  request.plan = plan;
  Answer<StreamInfo> answer;
  engine_->CreateStream(request, answer.callback());
  return answer.Wait();
}

absl::StatusOr<AppendAck> SyncEngine::Append(const std::string& stream,
                                             std::vector<AppendChunk> chunks) {
  ChunkWriter writer(std::move(chunks));
  const StreamName name = NameOf(stream);
  const std::shared_ptr<AppendSession> session =
      engine_->OpenAppend(name, absl::nullopt, &writer);
  return writer.Write(session.get());
}

absl::StatusOr<AppendAck> SyncEngine::AppendText(const std::string& stream,
                                                 absl::string_view text) {
  return AppendCut(stream, text, {});
}

absl::StatusOr<AppendAck> SyncEngine::AppendIds(const std::string& stream,
                                                std::vector<int> ids) {
  AppendChunk chunk;
  chunk.kind = LogRecord::Kind::kTokens;
  chunk.ids = std::move(ids);
  return Append(stream, {chunk});
}

absl::StatusOr<AppendAck> SyncEngine::AppendCut(
    const std::string& stream, absl::string_view text,
    const std::vector<size_t>& sizes) {
  std::vector<AppendChunk> chunks;
  for (size_t i = 0; !text.empty(); ++i) {
    AppendChunk chunk;
    chunk.text =
        std::string(text.substr(0, i < sizes.size() ? sizes[i] : text.size()));
    text.remove_prefix(chunk.text.size());
    chunks.push_back(std::move(chunk));
  }
  return Append(stream, std::move(chunks));
}

absl::StatusOr<StreamInfo> SyncEngine::Get(const std::string& stream,
                                           bool full) {
  const StreamName name = NameOf(stream);
  Answer<StreamInfo> answer;
  engine_->GetStream(name, full, answer.callback());
  return answer.Wait();
}

std::string SyncEngine::DigestOf(const std::string& stream) {
  const absl::StatusOr<StreamInfo> info = Get(stream, /*full=*/true);
  return info.ok() ? ToHex(*info->state_digest) : info.status().ToString();
}

absl::StatusOr<StreamInfo> SyncEngine::Fork(const std::string& from, At at,
                                            const std::string& to) {
  ForkRequest request;
  request.from = NameOf(from);
  request.at = std::move(at);
  request.to = NameOf(to);
  Answer<StreamInfo> answer;
  engine_->Fork(request, answer.callback());
  return answer.Wait();
}

absl::StatusOr<EmbedReply> SyncEngine::Embed(EmbedRequest request) {
  Answer<EmbedReply> answer;
  engine_->Embed(std::move(request), answer.callback());
  return answer.Wait();
}

absl::StatusOr<std::vector<float>> SyncEngine::LastVector(
    const std::string& stream, At at) {
  EmbedRequest request;
  request.name = StreamName();
  request.name->stream = stream;
  request.at = std::move(at);
  request.normalize = false;
  ASSIGN_OR_RETURN(EmbedReply reply, Embed(std::move(request)));
  return std::move(reply.vectors.front());
}

absl::StatusOr<GeneratedText> SyncEngine::Generate(GenerateRequest request) {
  TextCollector collector;
  engine_->Generate(std::move(request), &collector);
  return collector.Wait();
}

absl::StatusOr<ScoreReply> SyncEngine::Score(ScoreRequest request) {
  Answer<ScoreReply> answer;
  engine_->Score(std::move(request), answer.callback());
  return answer.Wait();
}

absl::StatusOr<RerankReply> SyncEngine::Rerank(RerankRequest request) {
  Answer<RerankReply> answer;
  engine_->Rerank(std::move(request), answer.callback());
  return answer.Wait();
}

absl::StatusOr<CheckpointInfo> SyncEngine::Checkpoint(
    const std::string& stream, At at, const std::string& label) {
  CheckpointRequest request;
  request.name = NameOf(stream);
  request.at = std::move(at);
  request.label = label;
  Answer<CheckpointInfo> answer;
  engine_->Checkpoint(request, answer.callback());
  return answer.Wait();
}

absl::StatusOr<std::string> SyncEngine::Export(const std::string& stream,
                                               At at) {
  ExportStateRequest request;
  request.name = NameOf(stream);
  request.at = std::move(at);
  Answer<std::string> answer;
  engine_->ExportState(request, answer.callback());
  return answer.Wait();
}

absl::StatusOr<StreamInfo> SyncEngine::Import(const std::string& file,
                                              const std::string& stream,
                                              EmbeddingPlan plan) {
  ImportStateRequest request;
  request.create.name = NameOf(stream);
  request.create.plan = plan;
  request.file = file;
  Answer<StreamInfo> answer;
  engine_->ImportState(request, answer.callback());
  return answer.Wait();
}

absl::StatusOr<std::vector<CheckpointInfo>> SyncEngine::ListCheckpoints(
    const std::string& stream) {
  const StreamName name = NameOf(stream);
  Answer<std::vector<CheckpointInfo>> answer;
  engine_->ListCheckpoints(name, answer.callback());
  return answer.Wait();
}

absl::Status SyncEngine::DeleteCheckpoint(const std::string& stream,
                                          const std::string& label) {
  const StreamName name = NameOf(stream);
  Answer<bool> answer;
  engine_->DeleteCheckpoint(name, label, answer.callback());
  return answer.Wait().status();
}

absl::Status SyncEngine::Delete(const std::string& stream) {
  const StreamName name = NameOf(stream);
  Answer<bool> answer;
  engine_->DeleteStream(name, answer.callback());
  return answer.Wait().status();
}

absl::StatusOr<std::vector<StreamInfo>> SyncEngine::List() {
  Answer<std::vector<StreamInfo>> answer;
  engine_->ListStreams("default", "", 1000, answer.callback());
  return answer.Wait();
}

absl::StatusOr<std::string> SyncEngine::Text(const std::string& stream) {
  std::string text;
  ReadTextRequest request;
  request.name = NameOf(stream);
  while (true) {
    Answer<ReadTextReply> answer;
    engine_->ReadText(request, answer.callback());
    ASSIGN_OR_RETURN(const ReadTextReply reply, answer.Wait());
    if (reply.text.empty()) return text;
    text += reply.text;
    request.from_byte = reply.byte_offset + reply.text.size();
  }
}

absl::StatusOr<ReadEmbeddingsReply> SyncEngine::Timeline(
    const std::string& stream, bool partial) {
  ReadEmbeddingsRequest request;
  request.name = NameOf(stream);
  request.limit = 1000;
  request.partial = partial;
  Answer<ReadEmbeddingsReply> answer;
  engine_->ReadEmbeddings(request, answer.callback());
  return answer.Wait();
}

void SyncEngine::Drain() {
  absl::Notification done;
  engine_->Drain([&done]() { done.Notify(); });
  done.WaitForNotification();
}

At AtHead() { return At(); }

At AtByte(uint64_t byte) {
  At at;
  at.kind = At::Kind::kByte;
  at.offset = byte;
  return at;
}

At AtToken(uint64_t token) {
  At at;
  at.kind = At::Kind::kToken;
  at.offset = token;
  return at;
}

At AtLabel(const std::string& label) {
  At at;
  at.kind = At::Kind::kLabel;
  at.label = label;
  return at;
}

}  // namespace oxbow
