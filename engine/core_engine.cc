#include "engine/core_engine.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "engine/check_request.h"
#include "engine/embed.h"
#include "engine/error_reason.h"
#include "engine/generate.h"
#include "engine/rerank.h"
#include "engine/score.h"

namespace oxbow {
namespace {

constexpr absl::Duration kHousekeepingEvery = absl::Seconds(1);
constexpr absl::Duration kSweepEvery = absl::Minutes(10);
// Records of generations written since the last sweep, which bounds them.
constexpr size_t kSweepAfterGenerationBytes = 64 << 20;

Scheduler::Options SchedulerOptions(const EngineOptions& options) {
  Scheduler::Options scheduler;
  scheduler.rows_max = options.step_rows_max;
  scheduler.sequence_rows_max = options.sequence_rows_max;
  return scheduler;
}

BulkShare::Options ShareOptions(const EngineOptions& options) {
  BulkShare::Options share;
  share.slowdown_max = options.bulk_slowdown_max;
  return share;
}

std::unique_ptr<Reader> MakeReader(const std::string& name, ReaderSpec spec,
                                   const EngineOptions& options) {
  return std::make_unique<Reader>(name, std::move(spec.model),
                                  std::move(spec.tokenizer),
                                  SchedulerOptions(options));
}

// Requests that ask or wait, at once: several times the calls that may read.
constexpr int kQuestionsMax = 4096;

absl::Status CheckCount(int count, int max) {
  if (count < max) return absl::OkStatus();
  return WithReason(
      absl::ResourceExhaustedError(absl::StrCat(
          count, " requests are at work already; try again later")),
      "TOO_MANY_REQUESTS");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> Engine::Start(
    const EngineOptions& options, ReaderSpec generator,
    absl::optional<ReaderSpec> embedder, StreamStore* store,
    const Clock* clock) {
  auto engine = std::make_unique<CoreEngine>(options, std::move(generator),
                                             std::move(embedder), store, clock);
  RETURN_IF_ERROR(engine->ClaimStore());
  engine->Run();
  return {std::move(engine)};
}

CoreEngine::CoreEngine(const EngineOptions& options, ReaderSpec generator,
                       absl::optional<ReaderSpec> embedder, StreamStore* store,
                       const Clock* clock)
    : generator_file_(generator.file_name),
      embedder_file_(embedder.has_value() ? embedder->file_name : ""),
      reranker_(std::move(embedder.has_value() ? embedder->reranker
                                               : generator.reranker)),
      pool_(options.limits.open_streams_max),
      generator_(MakeReader("generator", std::move(generator), options)),
      embedder_(embedder.has_value()
                    ? MakeReader("embedder", *std::move(embedder), options)
                    : nullptr),
      bulk_share_(ShareOptions(options), embedder_ != nullptr ? 2 : 1),
      streams_(std::make_unique<StreamTable>(&context_)),
      last_housekeeping_(clock->Now()),
      last_sweep_(clock->Now()),
      worker_(std::make_unique<StoreWorker>()),
      log_(std::make_unique<LogWriter>(store, LogWriter::Options())) {
  context_.options = options;
  context_.store = store;
  context_.clock = clock;
  context_.inbox = &inbox_;
  context_.log = log_.get();
  context_.worker = worker_.get();
  context_.pool = &pool_;
  context_.generator = generator_.get();
  context_.embedder = embedder_.get();
  context_.reranker = reranker_.get();
  for (Reader* reader : {context_.generator, context_.embedder}) {
    if (reader == nullptr) continue;
    reader->set_make_room([this]() { return pool_.MakeRoom(); });
  }
}

CoreEngine::~CoreEngine() {
  if (thread_.joinable()) {
    inbox_.Post([this]() { stopping_ = true; });
    thread_.join();
  }
  streams_->StopAll();
  // What is still queued ends before the states it may refer to go.
  log_.reset();
  worker_.reset();
  inbox_.Take(absl::ZeroDuration());
  generations_.Clear();
  generator_->DropRuns();
  if (embedder_ != nullptr) embedder_->DropRuns();
}

absl::Status CoreEngine::ClaimStore() {
  RETURN_IF_ERROR(ClaimFor(*generator_, generator_file_));
  if (embedder_ == nullptr) return absl::OkStatus();
  return ClaimFor(*embedder_, embedder_file_);
}

absl::Status CoreEngine::ClaimFor(const Reader& reader,
                                  const std::string& file_name) const {
  const std::string key = absl::StrCat(reader.name(), "_model");
  const std::string mine = ToHex(reader.id());
  ASSIGN_OR_RETURN(const absl::optional<std::string> theirs,
                   context_.store->GetProperty(key));
  if (!theirs.has_value()) return context_.store->SetProperty(key, mine);
  if (*theirs == mine) return absl::OkStatus();
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat(
          "the store was made by another ", reader.name(), " (model id ",
          *theirs, ") than ", file_name, " with its tokenizer (model id ", mine,
          "): give the model that made it, or another store")),
      "MODEL_MISMATCH", {{"stored_model_id", *theirs}, {"model_id", mine}});
}

void CoreEngine::Run() {
  worker_->Run([store = context_.store, clock = context_.clock]() {
    // A sweep that fails is tried again later; nothing depends on it.
    store->Sweep(clock->Now()).IgnoreError();
  });
  thread_ = std::thread([this]() { Loop(); });
}

void CoreEngine::Loop() {
  while (!stopping_) {
    const bool busy =
        !generator_->idle() || (embedder_ != nullptr && !embedder_->idle());
    const absl::Duration wait =
        busy ? absl::ZeroDuration() : absl::Milliseconds(200);
    for (const std::function<void()>& work : inbox_.Take(wait)) work();
    // Who wants a seat now begins to load before the step; who came to rest in
    // it gets up after it.
    pool_.Turn();
    StepReaders();
    pool_.Turn();
    Housekeep();
    MaybeFinishDrain();
  }
}

void CoreEngine::StepReaders() {
  std::vector<Reader*> readers = {generator_.get()};
  if (embedder_ != nullptr) readers.push_back(embedder_.get());
  std::vector<BulkShare::Waiting> waiting;
  for (const Reader* reader : readers) waiting.push_back(reader->waiting());
  const int bulk_rows = bulk_share_.RowsOfNext(waiting);
  for (size_t i = 0; i < readers.size(); ++i) {
    const absl::Time begin = context_.clock->Now();
    const Reader::Ran ran = readers[i]->Step(bulk_rows);
    bulk_share_.Ran(i, ran.interactive, ran.bulk,
                    absl::ToDoubleSeconds(context_.clock->Now() - begin));
  }
}

void CoreEngine::Housekeep() {
  const absl::Time now = context_.clock->Now();
  if (now - last_housekeeping_ < kHousekeepingEvery) return;
  last_housekeeping_ = now;
  streams_->WakeReaders();
  streams_->CloseIdle();
  if (now - last_sweep_ < kSweepEvery &&
      generations_.stored_bytes() < kSweepAfterGenerationBytes) {
    return;
  }
  last_sweep_ = now;
  generations_.ForgetStored();
  worker_->Run(
      [store = context_.store, now]() { store->Sweep(now).IgnoreError(); });
}

absl::Status CoreEngine::CheckServing() const {
  if (!draining_) return absl::OkStatus();
  return WithReason(absl::UnavailableError("the server is shutting down"),
                    "DRAINING");
}

absl::Status CoreEngine::AdmitQuestion() const {
  RETURN_IF_ERROR(CheckServing());
  return CheckCount(asking_, kQuestionsMax);
}

absl::Status CoreEngine::AdmitWork() const {
  RETURN_IF_ERROR(CheckServing());
  return CheckCount(working_, context_.options.limits.running_requests_max);
}

void CoreEngine::Begin(const StreamName& name, WithOperation begin,
                       std::function<void(absl::Status)> fail) {
  absl::Status status = CheckName(name);
  if (status.ok()) status = AdmitQuestion();
  if (!status.ok()) return fail(status);
  Open(name, &asking_, std::move(begin), std::move(fail));
}

void CoreEngine::BeginWork(const StreamName& name, WithOperation begin,
                           std::function<void(absl::Status)> fail) {
  absl::Status status = CheckName(name);
  if (status.ok()) status = AdmitWork();
  if (!status.ok()) return fail(status);
  Open(name, &working_, std::move(begin), std::move(fail));
}

void CoreEngine::Open(const StreamName& name, int* count, WithOperation begin,
                      std::function<void(absl::Status)> fail) {
  streams_->Open(name, [this, count, begin = std::move(begin), fail](
                           absl::StatusOr<std::shared_ptr<LiveStream>> stream) {
    if (!stream.ok()) return fail(stream.status());
    const absl::Status status = (*stream)->read_status();
    if (!status.ok()) return fail(status);
    begin(std::make_shared<Operation>(&context_, *stream, count));
  });
}

std::shared_ptr<AppendSession> CoreEngine::OpenAppend(
    StreamName name, absl::optional<Position> last_durable,
    AppendSession::Observer* observer) {
  auto append = std::make_shared<LiveAppend>(&context_, observer, last_durable,
                                             [this]() { --append_calls_; });
  inbox_.Post([this, append, name = std::move(name)]() {
    ++append_calls_;
    absl::Status status = CheckName(name);
    if (status.ok()) status = CheckServing();
    if (status.ok() &&
        append_calls_ > context_.options.limits.append_calls_max) {
      status = WithReason(absl::ResourceExhaustedError(absl::StrCat(
                              append_calls_ - 1,
                              " Append calls are open already; try again "
                              "later")),
                          "TOO_MANY_APPENDS");
    }
    if (!status.ok()) return append->End(status);
    streams_->Open(
        name, [append](absl::StatusOr<std::shared_ptr<LiveStream>> stream) {
          if (!stream.ok()) return append->End(stream.status());
          const absl::Status status = (*stream)->status();
          if (!status.ok()) return append->End(status);
          append->Begin(*std::move(stream));
        });
  });
  return append;
}

void CoreEngine::Embed(EmbedRequest request, Callback<EmbedReply> done) {
  inbox_.Post([this, request = std::move(request), done = std::move(done)]() {
    absl::Status status = CheckEmbed(context_, request);
    if (status.ok()) status = AdmitWork();
    if (!status.ok()) return done(status);
    if (!request.name.has_value()) {
      return RunEmbed(
          std::make_shared<Operation>(&context_, nullptr, &working_), request,
          done);
    }
    BeginWork(
        *request.name,
        [request, done](std::shared_ptr<Operation> operation) {
          RunEmbed(std::move(operation), request, done);
        },
        done);
  });
}

void CoreEngine::Rerank(RerankRequest request, Callback<RerankReply> done) {
  inbox_.Post([this, request = std::move(request), done = std::move(done)]() {
    absl::Status status = CheckRerank(context_, request);
    if (status.ok()) status = AdmitWork();
    if (!status.ok()) return done(status);
    RunRerank(std::make_shared<Operation>(&context_, nullptr, &working_),
              streams_.get(), request, done);
  });
}

void CoreEngine::Generate(GenerateRequest request, GenerateObserver* observer) {
  inbox_.Post([this, request = std::move(request), observer]() {
    absl::Status status =
        CheckGenerate(request, limits(), generator_->info().vocabulary_size);
    if (status.ok() && !generator_->info().has_lm_head) {
      status = WithReason(
          absl::FailedPreconditionError(
              "the model has no language model head: it embeds, but cannot "
              "tell what comes next"),
          "NO_LM_HEAD");
    }
    if (status.ok() && !request.prompt.empty() && !tokenizer().reads_text()) {
      status = WithReason(absl::FailedPreconditionError(
                              "the server has no tokenizer: prompt with ids"),
                          "NO_TOKENIZER");
    }
    if (!status.ok()) return observer->OnDone(status);
    BeginWork(
        request.name,
        [this, request, observer](std::shared_ptr<Operation> operation) {
          RunGenerate(std::move(operation), &generations_, request, observer);
        },
        [observer](absl::Status failed) { observer->OnDone(failed); });
  });
}

void CoreEngine::Score(ScoreRequest request, Callback<ScoreReply> done) {
  inbox_.Post([this, request = std::move(request), done = std::move(done)]() {
    const absl::Status status = CheckScore(context_, request);
    if (!status.ok()) return done(status);
    BeginWork(
        request.name,
        [request, done](std::shared_ptr<Operation> operation) {
          RunScore(std::move(operation), request, done);
        },
        done);
  });
}

void CoreEngine::Drain(std::function<void()> done) {
  inbox_.Post([this, done = std::move(done)]() {
    draining_ = true;
    on_drained_ = done;
    streams_->DismissWriters(WithReason(
        absl::UnavailableError("the server is shutting down"), "DRAINING"));
    streams_->WakeReaders();
  });
}

void CoreEngine::MaybeFinishDrain() {
  if (!on_drained_ || asking_ + working_ > 0 || !streams_->all_idle()) return;
  streams_->CheckpointAll(std::move(on_drained_));
  on_drained_ = nullptr;
}

}  // namespace oxbow
