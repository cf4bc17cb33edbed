#include "tests/bench/reading_way.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/cpu_seconds.h"
#include "base/status_macros.h"
#include "clients/cli/call_status.h"
#include "clients/cli/connection.h"
#include "engine/model/load_model.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/testing/server_process.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

absl::StatusOr<std::unique_ptr<Model>> Load(const ReadModel& model) {
  LoadModelOptions options;
  options.threads = model.threads;
  return LoadModel(model.path, options);
}

double Seconds(const timeval& time) {
  return time.tv_sec + 1e-6 * time.tv_usec;
}

// Processor time that this process has used.
double OwnCpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

// Runs from its making; `pid`: of a server, 0: none.
class Stopwatch {
 public:
  explicit Stopwatch(pid_t pid = 0)
      : pid_(pid), cpu_(Cpu()), begin_(absl::Now()) {}

  Reading Stop() const {
    return {absl::ToDoubleSeconds(absl::Now() - begin_), Cpu() - cpu_};
  }

 private:
  double Cpu() const {
    return OwnCpuSeconds() + (pid_ == 0 ? 0 : CpuSeconds(pid_));
  }

  const pid_t pid_;
  const double cpu_;
  const absl::Time begin_;
};

std::vector<std::string> Chunks(const std::string& text) {
  std::vector<std::string> chunks;
  for (size_t at = 0; at < text.size(); at += kChunkBytes) {
    chunks.push_back(text.substr(at, kChunkBytes));
  }
  return chunks;
}

class ModelWay : public ReadingWay {
 public:
  ModelWay(std::unique_ptr<Model> model, std::unique_ptr<Tokenizer> tokenizer)
      : model_(std::move(model)), tokenizer_(std::move(tokenizer)) {}

  absl::StatusOr<Reading> Read(const std::string& text) override {
    const std::vector<int> ids = Tokenize(*tokenizer_, text);
    ASSIGN_OR_RETURN(const StateSlot slot, model_->NewState());
    const Stopwatch stopwatch;
    for (size_t at = 0; at < ids.size(); at += kStepRows) {
      const size_t end = std::min<size_t>(ids.size(), at + kStepRows);
      Batch batch;
      batch.tokens.assign(ids.begin() + at, ids.begin() + end);
      batch.row_end = {static_cast<int>(batch.tokens.size())};
      batch.slots = {slot};
      model_->Step(batch, {});
    }
    const Reading reading = stopwatch.Stop();
    model_->FreeState(slot);
    return reading;
  }

 private:
  const std::unique_ptr<Model> model_;
  const std::unique_ptr<Tokenizer> tokenizer_;
};

class EngineWay : public ReadingWay {
 public:
  EngineWay(std::unique_ptr<StreamStore> store,
            std::unique_ptr<SyncEngine> engine)
      : store_(std::move(store)), engine_(std::move(engine)) {}

  absl::StatusOr<Reading> Read(const std::string& text) override {
    std::vector<AppendChunk> chunks;
    for (std::string& piece : Chunks(text)) {
      chunks.emplace_back().text = std::move(piece);
    }
    RETURN_IF_ERROR(engine_->Create(kStream).status());
    const Stopwatch stopwatch;
    RETURN_IF_ERROR(engine_->Append(kStream, std::move(chunks)).status());
    const Reading reading = stopwatch.Stop();
    RETURN_IF_ERROR(engine_->Delete(kStream));
    return reading;
  }

 private:
  static constexpr char kStream[] = "s";
  const std::unique_ptr<StreamStore> store_;
  const std::unique_ptr<SyncEngine> engine_;
};

class ServerWay : public ReadingWay {
 public:
  explicit ServerWay(std::unique_ptr<ServerProcess> server)
      : server_(std::move(server)), connection_(server_->address()) {}

  absl::StatusOr<Reading> Read(const std::string& text) override {
    v1::CreateStreamRequest create;
    create.set_stream_id(kStream);
    RETURN_IF_ERROR(cli::Ask(&connection_.streams(),
                             &v1::Streams::Stub::CreateStream, create)
                        .status());
    const Stopwatch stopwatch(server_->pid());
    RETURN_IF_ERROR(Append(text));
    const Reading reading = stopwatch.Stop();
    v1::DeleteStreamRequest remove;
    remove.set_stream_id(kStream);
    RETURN_IF_ERROR(cli::Ask(&connection_.streams(),
                             &v1::Streams::Stub::DeleteStream, remove)
                        .status());
    return reading;
  }

 private:
  static constexpr char kStream[] = "s";

  absl::Status Append(const std::string& text) {
    grpc::ClientContext context;
    const auto rpc = connection_.streams().Append(&context);
    v1::AppendRequest open;
    open.mutable_open()->set_stream_id(kStream);
    rpc->Write(open);
    for (std::string& piece : Chunks(text)) {
      v1::AppendRequest request;
      request.mutable_chunk()->set_text(std::move(piece));
      // If it does not go out, the call's status tells why.
      if (!rpc->Write(request)) break;
    }
    rpc->WritesDone();
    v1::AppendResponse response;
    while (rpc->Read(&response)) {
    }
    return cli::FromGrpc(rpc->Finish());
  }

  const std::unique_ptr<ServerProcess> server_;
  cli::Connection connection_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ReadingWay>> NewModelWay(
    const ReadModel& model) {
  ASSIGN_OR_RETURN(std::unique_ptr<Model> loaded, Load(model));
  ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> tokenizer,
                   MakeTokenizer(model.tokenizer, model.path,
                                 loaded->info().vocabulary_size));
  return {std::make_unique<ModelWay>(std::move(loaded), std::move(tokenizer))};
}

absl::StatusOr<std::unique_ptr<ReadingWay>> NewEngineWay(
    const ReadModel& model, std::unique_ptr<StreamStore> store) {
  SyncEngine::Options options;
  options.threads = model.threads;
  options.model_path = model.path;
  options.tokenizer = model.tokenizer;
  ASSIGN_OR_RETURN(auto engine, SyncEngine::Start(options, store.get()));
  return {std::make_unique<EngineWay>(std::move(store), std::move(engine))};
}

absl::StatusOr<std::unique_ptr<ReadingWay>> NewServerWay(
    const ReadModel& model, const std::string& folder) {
  std::vector<std::string> flags = {absl::StrCat("--model=", model.path),
                                    absl::StrCat("--store=", folder),
                                    absl::StrCat("--threads=", model.threads)};
  if (!model.tokenizer.empty()) {
    flags.push_back(absl::StrCat("--tokenizer=", model.tokenizer));
  }
  ASSIGN_OR_RETURN(auto server, ServerProcess::Start(flags));
  return {std::make_unique<ServerWay>(std::move(server))};
}

absl::StatusOr<int64_t> CountTokens(const ReadModel& model,
                                    const std::string& text) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Tokenizer> tokenizer,
                   MakeTokenizer(model.tokenizer, model.path, 1 << 20));
  return Tokenize(*tokenizer, text).size();
}

}  // namespace oxbow
