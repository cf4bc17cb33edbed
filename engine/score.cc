#include "engine/score.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/check_request.h"
#include "engine/error_reason.h"
#include "engine/first_token.h"
#include "engine/reach.h"
#include "engine/sampler.h"

namespace oxbow {
namespace {

// One Score request: text after text, each on a copy of the point's state.
class Scoring : public std::enable_shared_from_this<Scoring> {
 public:
  Scoring(std::shared_ptr<Operation> operation, ScoreRequest request,
          Callback<ScoreReply> done)
      : operation_(std::move(operation)),
        request_(std::move(request)),
        done_(std::move(done)),
        reader_(operation_->context().generator) {}

  void Start() {
    ids_ = request_.ids;
    for (const std::string& text : request_.texts) {
      ids_.push_back(Tokenize(reader_->tokenizer(), text));
    }
    ReachOptions options;
    options.reader = reader_;
    options.at = request_.at;
    options.cancelled = request_.cancelled;
    ReachState(&operation_->context(), operation_->stream(), options,
               [self = shared_from_this()](absl::StatusOr<ReachedState> state) {
                 self->OnState(std::move(state));
               });
  }

 private:
  void OnState(absl::StatusOr<ReachedState> state) {
    if (!state.ok()) return done_(state.status());
    reply_.point = state->point;
    start_ = std::move(state->slot);
    if (state->point.token_offset > 0) return NextText();
    const absl::StatusOr<int> first = FirstToken(reader_->tokenizer());
    if (!first.ok()) return done_(first.status());
    Run run;
    run.slot = start_.get();
    run.priority = Priority::kInteractive;
    run.tokens = {*first};
    run.on_done = [self = shared_from_this()](absl::Span<const float>) {
      self->NextText();
    };
    reader_->Submit(std::move(run));
  }

  void NextText() {
    if (IsCancelled(request_.cancelled)) {
      return done_(absl::CancelledError("the client left"));
    }
    if (reply_.scores.size() == ids_.size()) return done_(std::move(reply_));
    reply_.scores.emplace_back();
    const std::vector<int>& ids = ids_[reply_.scores.size() - 1];
    if (ids.empty()) return NextText();
    Add(reader_->Logits(reader_->HiddenOf(start_.get())), ids[0]);
    if (ids.size() == 1) return NextText();
    absl::StatusOr<OwnedSlot> slot = CopySlot(*reader_, start_.get());
    if (!slot.ok()) return done_(slot.status());
    slot_ = *std::move(slot);
    Run run;
    run.slot = slot_.get();
    run.priority = Priority::kInteractive;
    run.tokens.assign(ids.begin(), ids.end() - 1);
    run.on_rows = [self = shared_from_this()](int first, int count,
                                              const float* hidden) {
      self->OnRows(first, count, hidden);
    };
    run.on_done = [self = shared_from_this()](absl::Span<const float>) {
      self->NextText();
    };
    reader_->Submit(std::move(run));
  }

  // A few rows at a time: logits of a large vocabulary are wide.
  void OnRows(int first, int count, const float* hidden) {
    constexpr int kRowsMax = 16;
    const std::vector<int>& ids = ids_[reply_.scores.size() - 1];
    const size_t width = reader_->info().width;
    const size_t vocabulary = reader_->info().vocabulary_size;
    for (int row = 0; row < count; row += kRowsMax) {
      const int rows = std::min(kRowsMax, count - row);
      const std::vector<float> logits = reader_->Logits(
          absl::MakeConstSpan(hidden + row * width, rows * width));
      for (int i = 0; i < rows; ++i) {
        Add(absl::MakeConstSpan(logits).subspan(i * vocabulary, vocabulary),
            ids[first + row + i + 1]);
      }
    }
  }

  void Add(absl::Span<const float> logits, int id) {
    ScoredText& score = reply_.scores.back();
    const double logprob = LogProbability(logits, id);
    score.logprob += logprob;
    score.tokens.push_back({id, static_cast<float>(logprob)});
  }

  const std::shared_ptr<Operation> operation_;
  const ScoreRequest request_;
  const Callback<ScoreReply> done_;
  Reader* const reader_;
  ScoreReply reply_;
  OwnedSlot start_;
  OwnedSlot slot_;
  std::vector<std::vector<int>> ids_;
};

}  // namespace

absl::Status CheckScore(const EngineContext& context,
                        const ScoreRequest& request) {
  RETURN_IF_ERROR(CheckName(request.name));
  const Limits& limits = context.options.limits;
  const Reader& reader = *context.generator;
  const size_t count = request.texts.size() + request.ids.size();
  if (count == 0 || count > static_cast<size_t>(limits.texts_max) ||
      (!request.texts.empty() && !request.ids.empty())) {
    return WithReason(
        absl::InvalidArgumentError(absl::StrCat(
            "give 1 to ", limits.texts_max, " texts, or as many lists of ids")),
        "BAD_COUNT");
  }
  size_t bytes = 0;
  for (const std::string& text : request.texts) bytes += text.size();
  for (const std::vector<int>& ids : request.ids) {
    bytes += ids.size() * sizeof(int);
    RETURN_IF_ERROR(CheckIds(ids, reader.info().vocabulary_size));
  }
  if (bytes > limits.prompt_bytes_max) {
    return WithReason(absl::InvalidArgumentError(absl::StrCat(
                          "the texts hold ", bytes, " bytes; at most ",
                          limits.prompt_bytes_max, " are taken at once")),
                      "BAD_COUNT");
  }
  if (!request.texts.empty() && !reader.tokenizer().reads_text()) {
    return WithReason(absl::FailedPreconditionError(
                          "the server has no tokenizer: send token ids"),
                      "NO_TOKENIZER");
  }
  if (!reader.info().has_lm_head) {
    return WithReason(absl::FailedPreconditionError(
                          "the model has no language model head: it embeds, "
                          "but cannot tell what comes next"),
                      "NO_LM_HEAD");
  }
  return absl::OkStatus();
}

void RunScore(std::shared_ptr<Operation> operation, ScoreRequest request,
              Callback<ScoreReply> done) {
  std::make_shared<Scoring>(std::move(operation), std::move(request),
                            std::move(done))
      ->Start();
}

}  // namespace oxbow
