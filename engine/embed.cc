#include "engine/embed.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/check_request.h"
#include "engine/error_reason.h"
#include "engine/long_text.h"
#include "engine/reach.h"
#include "engine/read_text.h"
#include "engine/timeline.h"

namespace oxbow {
namespace {

// Adds up the hidden rows of the tokens whose last byte lies in a span.
class MeanPooler : public TokenListener {
 public:
  MeanPooler(uint64_t from_byte, int width)
      : from_byte_(from_byte), sum_(width) {}

  size_t RunLength(uint64_t, const std::deque<FedToken>& decided) override {
    return decided.size();
  }
  bool wants_hidden() const override { return true; }
  void OnTokens(uint64_t, absl::Span<const FedToken> tokens,
                const float* hidden) override {
    for (size_t i = 0; i < tokens.size(); ++i) {
      // A token of no bytes lies where it stands.
      const uint64_t end = tokens[i].end.byte_offset;
      if (end <= from_byte_ && end > 0) continue;
      Add(hidden + i * sum_.size());
    }
  }
  void AfterRun() override {}

  void Add(const float* hidden) {
    ++count_;
    for (size_t c = 0; c < sum_.size(); ++c) sum_[c] += hidden[c];
  }

  std::vector<float> Mean() const {
    std::vector<float> mean(sum_.size());
    for (size_t c = 0; c < mean.size() && count_ > 0; ++c) {
      mean[c] = static_cast<float>(sum_[c] / count_);
    }
    return mean;
  }

 private:
  const uint64_t from_byte_;
  std::vector<double> sum_;
  int64_t count_ = 0;
};

// One Embed request.
class Embedding : public std::enable_shared_from_this<Embedding> {
 public:
  Embedding(std::shared_ptr<Operation> operation, EmbedRequest request,
            Callback<EmbedReply> done)
      : operation_(std::move(operation)),
        request_(std::move(request)),
        done_(std::move(done)),
        reader_(ReaderOf(operation_->context(), request_)) {
    reply_.pooling = request_.pooling;
    reply_.raw = request_.pooling != Pooling::kHead;
  }

  static Reader* ReaderOf(const EngineContext& context,
                          const EmbedRequest& request) {
    return request.pooling == Pooling::kHead && context.embedder != nullptr
               ? context.embedder
               : context.generator;
  }

  void Start() {
    if (!request_.name.has_value()) return StartTexts();
    if (request_.pooling == Pooling::kHead && request_.from_byte.has_value()) {
      return StartSpan();
    }
    ReachOptions options;
    options.reader = reader_;
    options.at = request_.at;
    options.cancelled = request_.cancelled;
    if (request_.pooling == Pooling::kMean) {
      const LogView& view = operation_->stream()->view();
      options.from_byte = request_.from_byte.value_or(view.begin().byte_offset);
      if (options.from_byte < view.begin().byte_offset) {
        return done_(BeforeImport(view));
      }
      pooler_ = std::make_unique<MeanPooler>(options.from_byte, width());
      options.listener = pooler_.get();
    }
    ReachState(&operation_->context(), operation_->stream(), options,
               [self = shared_from_this()](absl::StatusOr<ReachedState> state) {
                 self->OnState(std::move(state));
               });
  }

 private:
  int width() const { return reader_->info().width; }

  void OnState(absl::StatusOr<ReachedState> state) {
    if (!state.ok()) return done_(state.status());
    reply_.point = state->point;
    if (pooler_ != nullptr) return Finish({pooler_->Mean()});
    slot_ = std::move(state->slot);
    if (request_.pooling == Pooling::kHead) return Probe();
    if (state->point.token_offset == 0) {
      return done_(WithReason(absl::FailedPreconditionError(
                                  "there is nothing to embed: no token has "
                                  "been read up to this point"),
                              "EMPTY_STREAM"));
    }
    Finish({reader_->HiddenOf(slot_.get())});
  }

  // Reads the end-of-text token behind what the slot holds.
  void Probe() {
    Run run;
    run.slot = slot_.get();
    run.priority = Priority::kInteractive;
    run.tokens = {reader_->end_of_text()};
    run.on_done = [self = shared_from_this()](absl::Span<const float>) {
      self->Finish({self->OfHead(self->reader_->HiddenOf(self->slot_.get()))});
    };
    reader_->Submit(std::move(run));
  }

  std::vector<float> OfHead(const std::vector<float>& hidden) {
    std::vector<float> vector(width());
    const std::string head =
        request_.head.empty() ? DefaultHead(reader_->info()) : request_.head;
    reader_->model().EmbeddingHead(head, hidden, absl::MakeSpan(vector));
    return vector;
  }

  // A span's text, read by itself.
  void StartSpan() {
    const EngineContext& context = operation_->context();
    const Position durable = operation_->stream()->durable();
    context.Async<std::string>(
        [self = shared_from_this(), durable]() {
          return self->SpanText(durable);
        },
        [self = shared_from_this()](absl::StatusOr<std::string> text) {
          if (!text.ok()) return self->done_(text.status());
          self->request_.texts = {*std::move(text)};
          self->StartTexts();
        });
  }

  absl::StatusOr<std::string> SpanText(Position durable) {
    const EngineContext& context = operation_->context();
    const LogView& view = operation_->stream()->view();
    const Tokenizer& tokenizer = context.generator->tokenizer();
    ASSIGN_OR_RETURN(const Position to, ResolveAt(*context.store, tokenizer,
                                                  view, request_.at, durable));
    reply_.point.position = to;
    const uint64_t from = *request_.from_byte;
    if (from < view.begin().byte_offset) return BeforeImport(view);
    const size_t bytes_max = context.options.limits.prompt_bytes_max;
    if (from > to.byte_offset || to.byte_offset - from > bytes_max) {
      return WithReason(
          absl::InvalidArgumentError(absl::StrCat(
              "a span from byte ", from, " to byte ", to.byte_offset,
              " cannot be read by itself: it must end behind its beginning ",
              "and hold at most ", bytes_max, " bytes")),
          "BAD_SPAN");
    }
    return ReadTextSpan(*context.store, tokenizer, view, from, to.byte_offset,
                        bytes_max);
  }

  void StartTexts() {
    ids_ = request_.ids;
    std::string instruct;
    if (!request_.instruction.empty()) {
      instruct = absl::StrCat("Instruct: ", request_.instruction, "\nQuery: ");
    }
    for (const std::string& text : request_.texts) {
      ids_.push_back(
          Tokenize(reader_->tokenizer(), absl::StrCat(instruct, text)));
    }
    NextText();
  }

  // One text after the other: a request takes one slot, not as many as texts.
  void NextText() {
    if (IsCancelled(request_.cancelled)) {
      return done_(absl::CancelledError("the client left"));
    }
    if (vectors_.size() == ids_.size()) return Finish(std::move(vectors_));
    absl::StatusOr<OwnedSlot> slot = NewSlot(*reader_);
    if (!slot.ok()) return done_(slot.status());
    slot_ = *std::move(slot);
    pooler_ = std::make_unique<MeanPooler>(0, width());
    Run run;
    run.slot = slot_.get();
    run.priority = Priority::kInteractive;
    run.tokens = ids_[vectors_.size()];
    if (request_.long_text.has_value()) {
      ProbeLong(&run);
    } else if (request_.pooling == Pooling::kHead) {
      run.tokens.push_back(reader_->end_of_text());
    }
    if (run.tokens.empty()) {
      return done_(WithReason(
          absl::InvalidArgumentError("an empty text has no embedding"),
          "EMPTY_TEXT"));
    }
    if (request_.pooling == Pooling::kMean) {
      run.on_rows = [self = shared_from_this()](int, int count,
                                                const float* hidden) {
        self->pooler_->OnTokens(0, std::vector<FedToken>(count), hidden);
      };
    }
    run.on_done = [self = shared_from_this()](absl::Span<const float>) {
      self->OnText();
    };
    reader_->Submit(std::move(run));
  }

  // Puts end-of-text tokens into a long text and pools their hidden rows.
  void ProbeLong(Run* run) {
    ProbedText text =
        ProbeLongText(run->tokens, *request_.long_text, reader_->end_of_text());
    run->tokens = std::move(text.tokens);
    run->on_rows = [self = shared_from_this(), ends = std::move(text.ends)](
                       int first, int count, const float* hidden) {
      const auto begin = std::lower_bound(ends.begin(), ends.end(), first);
      for (auto end = begin; end != ends.end() && *end < first + count; ++end) {
        self->pooler_->Add(hidden + size_t{1} * (*end - first) * self->width());
      }
    };
  }

  void OnText() {
    switch (request_.pooling) {
      case Pooling::kLast:
        vectors_.push_back(reader_->HiddenOf(slot_.get()));
        break;
      case Pooling::kMean:
        vectors_.push_back(pooler_->Mean());
        break;
      case Pooling::kHead:
        vectors_.push_back(OfHead(request_.long_text.has_value()
                                      ? pooler_->Mean()
                                      : reader_->HiddenOf(slot_.get())));
        break;
    }
    NextText();
  }

  void Finish(std::vector<std::vector<float>> vectors) {
    for (std::vector<float>& vector : vectors) {
      if (request_.dimensions > 0) vector.resize(request_.dimensions);
      if (request_.normalize) Normalize(&vector);
    }
    reply_.vectors = std::move(vectors);
    done_(std::move(reply_));
  }

  const std::shared_ptr<Operation> operation_;
  EmbedRequest request_;
  const Callback<EmbedReply> done_;
  Reader* const reader_;
  EmbedReply reply_;
  OwnedSlot slot_;
  std::unique_ptr<MeanPooler> pooler_;
  std::vector<std::vector<int>> ids_;
  std::vector<std::vector<float>> vectors_;
};

absl::Status CheckHead(const Reader& reader, const std::string& head) {
  const std::vector<std::string>& heads = reader.info().embedding_heads;
  if (heads.empty()) {
    return WithReason(
        absl::FailedPreconditionError(
            "the server has no model with a trained embedding head: start it "
            "with --embedder=PATH, or ask for pooling last or mean"),
        "NO_EMBEDDER");
  }
  if (head.empty() ||
      std::find(heads.begin(), heads.end(), head) != heads.end()) {
    return absl::OkStatus();
  }
  return WithReason(absl::InvalidArgumentError(
                        absl::StrCat("the embedder has no head '", head, "'")),
                    "NO_SUCH_HEAD");
}

// Of instruction and long_text, which most requests have not.
absl::Status CheckInlineOnly(const EmbedRequest& request) {
  const bool has_instruction = !request.instruction.empty();
  if (!has_instruction && !request.long_text.has_value()) {
    return absl::OkStatus();
  }
  if (request.pooling != Pooling::kHead || request.name.has_value() ||
      (has_instruction && !request.ids.empty())) {
    return WithReason(
        absl::InvalidArgumentError(
            "an instruction and the way for long texts are for inline texts "
            "with a trained head"),
        "BAD_COUNT");
  }
  if (!request.long_text.has_value()) return absl::OkStatus();
  return CheckLongText(*request.long_text);
}

absl::Status CheckTexts(const EngineContext& context, const Reader& reader,
                        const EmbedRequest& request) {
  const Limits& limits = context.options.limits;
  const size_t count = request.texts.size() + request.ids.size();
  if (count == 0 || count > static_cast<size_t>(limits.texts_max) ||
      (!request.texts.empty() && !request.ids.empty())) {
    return WithReason(absl::InvalidArgumentError(absl::StrCat(
                          "name a stream, or give 1 to ", limits.texts_max,
                          " texts, or as many lists of ids")),
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
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckEmbed(const EngineContext& context,
                        const EmbedRequest& request) {
  const Reader& reader = *Embedding::ReaderOf(context, request);
  if (request.pooling == Pooling::kHead) {
    RETURN_IF_ERROR(CheckHead(reader, request.head));
  }
  if (request.dimensions < 0 || request.dimensions > reader.info().width) {
    return WithReason(absl::InvalidArgumentError(absl::StrCat(
                          "dimensions is ", request.dimensions,
                          "; the model has ", reader.info().width)),
                      "BAD_COUNT");
  }
  RETURN_IF_ERROR(CheckInlineOnly(request));
  if (request.name.has_value()) return CheckName(*request.name);
  return CheckTexts(context, reader, request);
}

void RunEmbed(std::shared_ptr<Operation> operation, EmbedRequest request,
              Callback<EmbedReply> done) {
  std::make_shared<Embedding>(std::move(operation), std::move(request),
                              std::move(done))
      ->Start();
}

}  // namespace oxbow
