#include "engine/rerank.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/check_request.h"
#include "engine/error_reason.h"
#include "engine/reach.h"
#include "engine/read_text.h"

namespace oxbow {
namespace {

// Streams at work at once: as many as are scored in one step, but never more
// than a quarter of those that may be open.
int GroupSize(const Limits& limits) {
  return std::max(1,
                  std::min(Reranker::kStatesMax, limits.open_streams_max / 4));
}

// Keeps a stream open.
class Held {
 public:
  explicit Held(std::shared_ptr<LiveStream> stream)
      : stream_(std::move(stream)) {
    stream_->Hold();
  }
  ~Held() { stream_->Release(); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  const std::shared_ptr<LiveStream>& stream() const { return stream_; }

 private:
  const std::shared_ptr<LiveStream> stream_;
};

// A document on its way to its score.
struct Candidate {
  std::unique_ptr<Held> held;  // until its end is known
  OwnedSlot slot;
  std::unique_ptr<TokenFeed> feed;  // open behind the document
  RankedStream ranked;
};

// One Rerank request: a group of streams after the other.
class Reranking : public std::enable_shared_from_this<Reranking> {
 public:
  Reranking(std::shared_ptr<Operation> operation, StreamTable* streams,
            RerankRequest request, Callback<RerankReply> done)
      : operation_(std::move(operation)),
        context_(operation_->context()),
        streams_(streams),
        request_(std::move(request)),
        done_(std::move(done)),
        reader_(context_.embedding_reader()) {}

  void Start() {
    query_ = request_.query_ids;
    if (query_.empty()) {
      query_ = Tokenize(reader_->tokenizer(),
                        absl::StrCat("Query: ", request_.query));
    }
    query_.push_back(reader_->end_of_text());
    NextGroup();
  }

 private:
  using Shared = std::shared_ptr<Candidate>;

  void NextGroup() {
    group_.clear();
    if (IsCancelled(request_.cancelled)) {
      return done_(absl::CancelledError("the client left"));
    }
    const size_t left = request_.streams.size() - begun_;
    if (left == 0) return Finish();
    const size_t size =
        std::min<size_t>(left, GroupSize(context_.options.limits));
    waiting_ = static_cast<int>(size);
    for (size_t i = 0; i < size; ++i) {
      auto candidate = std::make_shared<Candidate>();
      candidate->ranked.index = static_cast<int>(begun_++);
      candidate->ranked.name = PointOf(*candidate).name;
      group_.push_back(candidate);
    }
    // What comes at once may end the group.
    const std::vector<Shared> group = group_;
    for (const Shared& candidate : group) Open(candidate);
  }

  const StreamPoint& PointOf(const Candidate& candidate) const {
    return request_.streams[candidate.ranked.index];
  }

  void Open(const Shared& candidate) {
    streams_->Open(PointOf(*candidate).name,
                   [self = shared_from_this(), candidate](
                       absl::StatusOr<std::shared_ptr<LiveStream>> stream) {
                     if (!stream.ok()) return self->End(stream.status());
                     const absl::Status status = (*stream)->read_status();
                     if (!status.ok()) return self->End(status);
                     candidate->held =
                         std::make_unique<Held>(*std::move(stream));
                     self->Reach(candidate);
                   });
  }

  void Reach(const Shared& candidate) {
    ReachOptions options;
    options.reader = reader_;
    options.at = PointOf(*candidate).at;
    options.cancelled = request_.cancelled;
    ReachOpenEnd(&context_, candidate->held->stream(), options,
                 [self = shared_from_this(), candidate](
                     absl::StatusOr<const Cursor*> cursor, Position position) {
                   if (!cursor.ok()) return self->End(cursor.status());
                   self->OnCursor(candidate, **cursor, position);
                 });
  }

  void OnCursor(const Shared& candidate, const Cursor& cursor,
                Position position) {
    absl::StatusOr<OwnedSlot> slot = CopySlot(*reader_, cursor.slot());
    if (!slot.ok()) return End(slot.status());
    candidate->slot = *std::move(slot);
    candidate->feed = std::make_unique<TokenFeed>(cursor.feed());
    TokenFeed closed = cursor.feed();
    closed.AddSeam();
    candidate->ranked.point = {position,
                               cursor.token_offset() + closed.decided().size()};
    const LiveStream& stream = *candidate->held->stream();
    const EmbeddingPlan& plan = stream.record().plan;
    candidate->ranked.plain = plan.prefix_reader != reader_->name();
    // Ids are read as they are, behind the document as it is.
    if (!request_.query_ids.empty()) return Read(candidate, "");
    context_.Async<bool>(
        [context = &context_, view = stream.view(), position]() {
          return EndsLine(*context, view, position);
        },
        [self = shared_from_this(), candidate](absl::StatusOr<bool> ends_line) {
          if (!ends_line.ok()) return self->End(ends_line.status());
          self->Read(candidate, *ends_line ? "" : "\n");
        });
  }

  // Store's thread.
  static absl::StatusOr<bool> EndsLine(const EngineContext& context,
                                       const LogView& view, Position end) {
    if (end.byte_offset <= view.begin().byte_offset) return false;
    ASSIGN_OR_RETURN(
        const std::string last,
        ReadTextSpan(*context.store, context.generator->tokenizer(), view,
                     end.byte_offset - 1, end.byte_offset, 1));
    return last == "\n";
  }

  // `text` ends the document: it is tokenized together with it.
  void Read(const Shared& candidate, absl::string_view text) {
    candidate->held = nullptr;
    TokenFeed& feed = *candidate->feed;
    feed.AddText(text);
    feed.AddSeam();
    Run run;
    run.slot = candidate->slot.get();
    run.priority = Priority::kInteractive;
    run.tokens = feed.lead();
    for (const FedToken& token : feed.decided()) run.tokens.push_back(token.id);
    run.tokens.insert(run.tokens.end(), query_.begin(), query_.end());
    run.on_done = [self = shared_from_this()](absl::Span<const float>) {
      self->End(absl::OkStatus());
    };
    reader_->Submit(std::move(run));
  }

  // One of the group is read, or failed: the first failure is the call's, once
  // nothing of the group runs any more.
  void End(absl::Status status) {
    status_.Update(status);
    if (--waiting_ > 0) return;
    if (status_.ok()) status_.Update(ScoreGroup());
    if (status_.ok()) return NextGroup();
    group_.clear();
    done_(status_);
  }

  absl::Status ScoreGroup() {
    std::vector<StateSlot> slots;
    for (const Shared& candidate : group_) {
      slots.push_back(candidate->slot.get());
    }
    ASSIGN_OR_RETURN(const std::vector<float> logits,
                     context_.reranker->Score(reader_->model(), slots));
    for (size_t i = 0; i < group_.size(); ++i) {
      RankedStream& ranked = group_[i]->ranked;
      ranked.logit = logits[i];
      ranked.score = RankScore(logits[i]);
      reply_.ranked.push_back(std::move(ranked));
    }
    return absl::OkStatus();
  }

  void Finish() {
    std::stable_sort(reply_.ranked.begin(), reply_.ranked.end(),
                     [](const RankedStream& a, const RankedStream& b) {
                       return a.logit > b.logit;
                     });
    done_(std::move(reply_));
  }

  const std::shared_ptr<Operation> operation_;
  const EngineContext& context_;
  StreamTable* const streams_;
  const RerankRequest request_;
  const Callback<RerankReply> done_;
  Reader* const reader_;
  std::vector<int> query_;
  size_t begun_ = 0;  // streams of the request
  std::vector<Shared> group_;
  int waiting_ = 0;  // of the group
  absl::Status status_;
  RerankReply reply_;
};

absl::Status CheckQuery(const EngineContext& context,
                        const RerankRequest& request) {
  const Reader& reader = *context.embedding_reader();
  if (request.query.empty() == request.query_ids.empty() ||
      request.query.size() > context.options.limits.prompt_bytes_max ||
      request.query_ids.size() >
          static_cast<size_t>(context.options.limits.chunk_ids_max)) {
    return WithReason(
        absl::InvalidArgumentError("give a query as text or as ids, not empty "
                                   "and within the limits"),
        "BAD_COUNT");
  }
  if (!request.query.empty() && !reader.tokenizer().reads_text()) {
    return WithReason(absl::FailedPreconditionError(
                          "the embedder has no tokenizer: send token ids"),
                      "NO_TOKENIZER");
  }
  return CheckIds(request.query_ids, reader.info().vocabulary_size);
}

}  // namespace

absl::Status CheckRerank(const EngineContext& context,
                         const RerankRequest& request) {
  if (context.reranker == nullptr) {
    return WithReason(absl::FailedPreconditionError(
                          "the server has no reranker: start it with "
                          "--reranker=PATH"),
                      "NO_RERANKER");
  }
  const size_t streams_max = context.options.limits.rerank_streams_max;
  if (request.streams.empty() || request.streams.size() > streams_max) {
    return WithReason(absl::InvalidArgumentError(absl::StrCat(
                          request.streams.size(), " streams; 1 to ",
                          streams_max, " are ranked at once")),
                      "BAD_COUNT");
  }
  for (const StreamPoint& point : request.streams) {
    RETURN_IF_ERROR(CheckName(point.name));
  }
  return CheckQuery(context, request);
}

void RunRerank(std::shared_ptr<Operation> operation, StreamTable* streams,
               RerankRequest request, Callback<RerankReply> done) {
  std::make_shared<Reranking>(std::move(operation), streams, std::move(request),
                              std::move(done))
      ->Start();
}

}  // namespace oxbow
