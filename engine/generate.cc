#include "engine/generate.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/branch.h"
#include "engine/error_reason.h"
#include "engine/first_token.h"
#include "engine/generated_result.h"
#include "engine/generation_record.h"
#include "engine/measure_record.h"
#include "engine/new_stream.h"
#include "engine/reach.h"

namespace oxbow {
namespace {

// Prompts longer than this wait their turn like documents.
constexpr size_t kInteractivePromptTokens = 512;

absl::Status OffsetMoved(Position expected, Position found) {
  return WithReason(
      absl::AbortedError(absl::StrCat("the stream's head is at byte ",
                                      found.byte_offset, ", not at byte ",
                                      expected.byte_offset)),
      "OFFSET_MOVED",
      {{"byte_offset", absl::StrCat(found.byte_offset)},
       {"zero_byte_tokens", absl::StrCat(found.zero_byte_tokens)}});
}

absl::Status Superseded() {
  return WithReason(
      absl::AbortedError("a newer call goes on with this generation"),
      "STALE_EPOCH");
}

absl::Status NoGeneration(const std::string& id) {
  return WithReason(
      absl::NotFoundError(absl::StrCat(
          "the stream has no generation \"", id,
          "\": its first token was never sent, or it is too long ago")),
      "NO_GENERATION");
}

absl::Status GenerationExists(const std::string& id) {
  return WithReason(
      absl::AlreadyExistsError(absl::StrCat(
          "the request id \"", id,
          "\" is a generation's that was asked otherwise; give another, or "
          "resume that one")),
      "GENERATION_EXISTS");
}

absl::Status OtherNumerics(const std::string& theirs, const std::string& mine) {
  return WithReason(absl::FailedPreconditionError(absl::StrCat(
                        "the generation was begun with the numerics ", theirs,
                        " and the server now runs ", mine,
                        ", which may draw other tokens: ask for a new one")),
                    "MODEL_MISMATCH",
                    {{"stored_numerics_id", theirs}, {"numerics_id", mine}});
}

std::string NameOf(const GenerateRequest& request, int branch) {
  if (request.branches == 1) return request.keep_as;
  return absl::StrCat(request.keep_as, ".", branch + 1);
}

absl::Status CheckNamesFree(StreamStore& store,
                            const GenerateRequest& request) {
  for (int i = 0; i < request.branches && !request.keep_as.empty(); ++i) {
    const std::string name = NameOf(request, i);
    if (store.FindStream(request.name.tenant, name).ok()) {
      return StreamExists(name);
    }
  }
  return absl::OkStatus();
}

// One Generate request.
class Generation : public std::enable_shared_from_this<Generation> {
 public:
  Generation(std::shared_ptr<Operation> operation, GenerationTable* table,
             GenerateRequest request, GenerateObserver* observer)
      : operation_(std::move(operation)),
        table_(table),
        request_(std::move(request)),
        observer_(observer),
        reader_(operation_->context().generator),
        epoch_(operation_->stream()->epoch()) {}

  void Start() {
    if (has_id()) {
      return table_->Enter(
          key(), {[self = shared_from_this()]() { self->LookForEarlier(); },
                  [self = shared_from_this()]() { self->superseded_ = true; }});
    }
    if (request_.keep_as.empty()) return Reach();
    LookForEarlier();
  }

 private:
  using Earlier = absl::optional<GenerationRecord>;

  struct Running {
    Branch branch;
    OwnedSlot slot;
  };

  const LiveStream& stream() const { return *operation_->stream(); }
  const EngineContext& context() const { return operation_->context(); }
  bool keeps() const { return request_.commit || !request_.keep_as.empty(); }
  bool has_id() const { return !request_.request_id.empty(); }
  GenerationTable::Key key() const {
    return {stream().record().uid, request_.request_id};
  }
  int FirstToTell(int branch) const {
    const std::vector<int>& from = request_.from_index;
    return branch < static_cast<int>(from.size()) ? from[branch] : 0;
  }

  std::string KeptName(int branch) const { return NameOf(request_, branch); }

  void LookForEarlier() {
    if (superseded_) return End(Superseded());
    context().Async<Earlier>(
        [self = shared_from_this()]() { return self->FindEarlier(); },
        [self = shared_from_this()](absl::StatusOr<Earlier> earlier) {
          if (!earlier.ok()) return self->End(earlier.status());
          self->OnEarlier(*std::move(earlier));
        });
  }

  // Store's thread: what is stored of the id. Unless that was kept, the names
  // must be free.
  absl::StatusOr<Earlier> FindEarlier() const {
    StreamStore& store = *context().store;
    Earlier earlier;
    if (has_id()) {
      ASSIGN_OR_RETURN(
          const absl::optional<std::string> stored,
          store.FindRequest(stream().record().uid, request_.request_id));
      if (stored.has_value()) {
        ASSIGN_OR_RETURN(earlier, DecodeGeneration(*stored));
      }
    }
    if (earlier.has_value() && earlier->kept()) return earlier;
    const bool goes_on = earlier.has_value() && earlier->request.has_value();
    RETURN_IF_ERROR(
        CheckNamesFree(store, goes_on ? *earlier->request : request_));
    return earlier;
  }

  void OnEarlier(Earlier earlier) {
    if (!earlier.has_value()) {
      return request_.resume ? End(NoGeneration(request_.request_id)) : Reach();
    }
    if (!request_.resume && earlier->request.has_value() &&
        !AskTheSame(*earlier->request, request_)) {
      return End(GenerationExists(request_.request_id));
    }
    if (earlier->kept()) {
      result_ = std::move(earlier->result);
      return TellAgain();
    }
    if (!earlier->request.has_value()) {
      return End(NoGeneration(request_.request_id));
    }
    GoOn(*std::move(earlier));
  }

  // All again from the same point, which makes the same tokens; those that the
  // client has are not told.
  void GoOn(GenerationRecord earlier) {
    const std::string& numerics_id = reader_->info().numerics_id;
    if (earlier.numerics_id != numerics_id) {
      return End(OtherNumerics(earlier.numerics_id, numerics_id));
    }
    GenerateRequest first = *std::move(earlier.request);
    first.request_id = request_.request_id;
    first.from_index = request_.from_index;
    first.cancelled = request_.cancelled;
    request_ = std::move(first);
    begun_at_ = earlier.result.point;
    Reach();
  }

  void TellAgain() {
    observer_->OnStart(result_.point);
    for (const GeneratedToken& token : result_.tokens) Tell(token);
    TellBranches();
  }

  void Tell(const GeneratedToken& token) {
    if (token.index >= FirstToTell(token.branch)) observer_->OnToken(token);
  }

  void Reach() {
    ReachOptions options;
    options.reader = reader_;
    options.at = request_.at;
    if (begun_at_.has_value()) {
      options.at.kind = At::Kind::kPosition;
      options.at.position = begun_at_->position;
    }
    options.cancelled = request_.cancelled;
    ReachState(&context(), operation_->stream(), options,
               [self = shared_from_this()](absl::StatusOr<ReachedState> state) {
                 self->OnState(std::move(state));
               });
  }

  void OnState(absl::StatusOr<ReachedState> state) {
    if (!state.ok()) return End(state.status());
    result_.point = state->point;
    start_ = std::move(state->slot);
    if (begun_at_.has_value() &&
        begun_at_->token_offset != result_.point.token_offset) {
      return End(absl::DataLossError(absl::StrCat(
          "the generation began after token ", begun_at_->token_offset,
          ", and that place is now after token ", result_.point.token_offset)));
    }
    if (!begun_at_.has_value() && request_.expected.has_value() &&
        *request_.expected != result_.point.position) {
      return End(OffsetMoved(*request_.expected, result_.point.position));
    }
    prompt_ = request_.prompt_ids;
    if (!request_.prompt.empty()) {
      prompt_ = Tokenize(reader_->tokenizer(), request_.prompt);
    }
    if (prompt_.empty() && result_.point.token_offset == 0) {
      const absl::StatusOr<int> first = FirstToken(reader_->tokenizer());
      if (!first.ok()) return End(first.status());
      prompt_ = {*first};
    }
    if (has_id() && !begun_at_.has_value()) return StoreRecord();
    Begin();
  }

  // Nothing is told before this is durable: what was told can be told again.
  void StoreRecord() {
    StoreBatch batch;
    AddRecord(&batch);
    context().Log(std::move(batch),
                  [self = shared_from_this()](absl::Status status) {
                    if (!status.ok()) return self->End(status);
                    self->Begin();
                  });
  }

  void Begin() {
    observer_->OnStart(result_.point);
    if (prompt_.empty()) {
      return Branches(reader_->Logits(reader_->HiddenOf(start_.get())));
    }
    RunPrompt();
  }

  void RunPrompt() {
    Run run;
    run.slot = start_.get();
    run.priority = prompt_.size() <= kInteractivePromptTokens
                       ? Priority::kInteractive
                       : Priority::kBulk;
    run.tokens = prompt_;
    run.wants_logits = true;
    run.on_done = [self = shared_from_this()](absl::Span<const float> logits) {
      self->Branches(logits);
    };
    reader_->Submit(std::move(run));
  }

  // Every branch begins with the same logits and a state of its own.
  void Branches(absl::Span<const float> logits) {
    const uint64_t position = result_.point.token_offset + prompt_.size();
    for (int i = 0; i < request_.branches; ++i) {
      OwnedSlot slot;
      if (i + 1 == request_.branches) {
        slot = std::move(start_);
      } else {
        absl::StatusOr<OwnedSlot> copy = CopySlot(*reader_, start_.get());
        if (!copy.ok()) return End(copy.status());
        slot = *std::move(copy);
      }
      running_.push_back({Branch(&request_, &reader_->tokenizer(), i, position),
                          std::move(slot)});
    }
    unfinished_ = request_.branches;
    for (int i = 0; i < request_.branches; ++i) Advance(i, logits);
  }

  void Advance(int index, absl::Span<const float> logits) {
    if (ended_) return;
    if (IsCancelled(request_.cancelled)) {
      return End(absl::CancelledError("the client left"));
    }
    if (superseded_) return End(Superseded());
    Running& running = running_[index];
    const int id = running.branch.Draw(logits);
    for (GeneratedToken& token : running.branch.TakeTold()) {
      Tell(token);
      if (has_id() && keeps()) {
        token.top.clear();
        result_.tokens.push_back(std::move(token));
      }
    }
    if (running.branch.finished()) return OnFinished();
    Run run;
    run.slot = running.slot.get();
    run.priority = Priority::kInteractive;
    run.tokens = {id};
    run.wants_logits = true;
    run.on_done = [self = shared_from_this(),
                   index](absl::Span<const float> next) {
      self->Advance(index, next);
    };
    reader_->Submit(std::move(run));
  }

  void OnFinished() {
    if (--unfinished_ > 0) return;
    for (int i = 0; i < request_.branches; ++i) {
      const Branch& branch = running_[i].branch;
      FinishedBranch finished;
      finished.branch = i;
      finished.reason = branch.reason();
      finished.text = branch.text();
      finished.tokens = static_cast<int>(branch.ids().size());
      if (!request_.keep_as.empty()) finished.kept_as = KeptName(i);
      result_.branches.push_back(std::move(finished));
    }
    if (request_.commit) return Commit();
    if (!request_.keep_as.empty()) return KeepAs();
    TellBranches();
  }

  LogRecord RecordOf(int branch) const {
    LogRecord record;
    record.kind = LogRecord::Kind::kTokens;
    record.ids = prompt_;
    const std::vector<int>& ids = running_[branch].branch.ids();
    record.ids.insert(record.ids.end(), ids.begin(), ids.end());
    record.provenance = EncodeProvenance(request_, branch);
    return record;
  }

  void AddRecord(StoreBatch* batch) const {
    if (!has_id()) return;
    GenerationRecord record;
    record.request = request_;
    record.numerics_id = reader_->info().numerics_id;
    record.result = result_;
    batch->put_requests.push_back({stream().record().uid, request_.request_id,
                                   EncodeGeneration(record),
                                   context().clock->Now()});
    table_->CountStored(batch->put_requests.back().result.size());
  }

  void Commit() {
    LiveStream& stream = *operation_->stream();
    if (stream.planned() != result_.point.position) {
      return End(OffsetMoved(result_.point.position, stream.planned()));
    }
    if (stream.epoch() != epoch_) {
      return End(WithReason(
          absl::AbortedError("a writer took the stream over meanwhile"),
          "STALE_EPOCH"));
    }
    LogRecord record = RecordOf(0);
    Point committed = result_.point;
    committed.token_offset += record.ids.size();
    for (int id : record.ids) {
      committed.position =
          AfterId(reader_->tokenizer(), committed.position, id);
    }
    result_.branches[0].committed = committed;
    if (record.ids.empty()) return TellBranches();
    StoreBatch batch;
    AddRecord(&batch);
    stream.Append(std::move(record), std::move(batch),
                  [self = shared_from_this()](absl::Status status) {
                    if (!status.ok()) return self->End(status);
                    self->TellBranches();
                  });
  }

  void KeepAs() {
    auto batch = std::make_shared<StoreBatch>();
    AddRecord(batch.get());
    context().Async<bool>(
        [self = shared_from_this(), batch]() -> absl::StatusOr<bool> {
          for (int i = 0; i < self->request_.branches; ++i) {
            RETURN_IF_ERROR(self->AddKept(i, batch.get()));
          }
          // Written on the thread that sweeps, so that what the forks share
          // cannot go before they are known.
          RETURN_IF_ERROR(self->context().store->Write(*batch, /*sync=*/true));
          return true;
        },
        [self = shared_from_this()](absl::StatusOr<bool> kept) {
          if (!kept.ok()) return self->End(kept.status());
          self->TellBranches();
        });
  }

  // Store's thread.
  absl::Status AddKept(int branch, StoreBatch* batch) const {
    ForkedStream fork;
    fork.position = result_.point.position;
    fork.seam = true;
    fork.to = {request_.name.tenant, KeptName(branch)};
    ASSIGN_OR_RETURN(StreamRecord child,
                     MakeFork(context(), stream().record(), fork));
    LogRecord record = RecordOf(branch);
    if (!record.ids.empty()) {
      AddFirstRecord(reader_->tokenizer(), child, std::move(record), batch);
    }
    batch->put_streams.push_back(std::move(child));
    return absl::OkStatus();
  }

  void TellBranches() {
    for (const FinishedBranch& branch : result_.branches) {
      observer_->OnBranch(branch);
    }
    End(absl::OkStatus());
  }

  void End(const absl::Status& status) {
    if (ended_) return;
    ended_ = true;
    observer_->OnDone(status);
    if (has_id()) table_->Leave(key());
  }

  const std::shared_ptr<Operation> operation_;
  GenerationTable* const table_;
  GenerateRequest request_;
  GenerateObserver* const observer_;
  Reader* const reader_;
  const uint64_t epoch_;
  std::vector<int> prompt_;
  OwnedSlot start_;
  std::vector<Running> running_;
  int unfinished_ = 0;
  bool superseded_ = false;
  bool ended_ = false;
  absl::optional<Point> begun_at_;  // the generation, by an earlier call
  GeneratedResult result_;
};

}  // namespace

void RunGenerate(std::shared_ptr<Operation> operation, GenerationTable* table,
                 GenerateRequest request, GenerateObserver* observer) {
  std::make_shared<Generation>(std::move(operation), table, std::move(request),
                               observer)
      ->Start();
}

}  // namespace oxbow
