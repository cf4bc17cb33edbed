#include "clients/cli/span_ranker.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/call_status.h"
#include "clients/cli/command.h"
#include "clients/cli/fuse_scores.h"

namespace oxbow::cli {

absl::StatusOr<std::unique_ptr<SpanRanker>> SpanRanker::Make(
    Connection* connection, SearchMode mode, const std::string& query,
    const std::string& instruction) {
  std::unique_ptr<SpanRanker> ranker(new SpanRanker(connection, mode, query));
  if (mode != SearchMode::kLexical) {
    RETURN_IF_ERROR(ranker->EmbedQuery(instruction));
  }
  if (mode != SearchMode::kVector) {
    ASSIGN_OR_RETURN(ranker->index_, LexicalIndex::Make());
  }
  return ranker;
}

absl::Status SpanRanker::EmbedQuery(const std::string& instruction) {
  v1::EmbedRequest request;
  request.mutable_texts()->add_texts(query_);
  request.set_instruction(instruction);
  ASSIGN_OR_RETURN(
      const v1::EmbedResponse response,
      Ask(&connection_->streams(), &v1::Streams::Stub::Embed, request));
  const auto& values = response.embeddings(0).values();
  query_vector_.assign(values.begin(), values.end());
  raw_ = response.raw();
  return absl::OkStatus();
}

absl::Status SpanRanker::AddStream(const std::string& stream_id) {
  const size_t first = spans_.size();
  RETURN_IF_ERROR(ReadTimeline(stream_id));
  if (index_ == nullptr || first == spans_.size()) return absl::OkStatus();
  return ReadText(stream_id, first);
}

absl::Status SpanRanker::ReadTimeline(const std::string& stream_id) {
  v1::ReadEmbeddingsRequest request;
  request.set_stream_id(stream_id);
  request.set_include_partial(true);
  grpc::ClientContext context;
  const auto reader = connection_->streams().ReadEmbeddings(&context, request);
  v1::ReadEmbeddingsResponse page;
  while (reader->Read(&page)) {
    for (const v1::TimelineEntry& entry : page.entries()) {
      Hit span;
      span.stream_id = stream_id;
      span.byte_begin = entry.byte_begin();
      span.byte_end = entry.byte_end();
      const auto& values = entry.embedding().values();
      span.score = Cosine(query_vector_, {values.begin(), values.end()});
      spans_.push_back(std::move(span));
    }
  }
  return FromGrpc(reader->Finish());
}

absl::Status SpanRanker::ReadText(const std::string& stream_id, size_t first) {
  v1::ReadTextRequest request;
  request.set_stream_id(stream_id);
  request.set_from_byte(spans_[first].byte_begin);
  request.set_to_byte(spans_.back().byte_end);
  grpc::ClientContext context;
  const auto reader = connection_->streams().ReadText(&context, request);
  v1::ReadTextResponse piece;
  std::string text;                          // not yet indexed
  int64_t begin = spans_[first].byte_begin;  // of `text`
  size_t next = first;
  while (reader->Read(&piece)) {
    text += piece.text();
    const int64_t end = begin + static_cast<int64_t>(text.size());
    for (; next < spans_.size() && spans_[next].byte_end <= end; ++next) {
      const Hit& span = spans_[next];
      RETURN_IF_ERROR(index_->Add(
          next, Session::ToUtf8(text.substr(span.byte_begin - begin,
                                            span.byte_end - span.byte_begin))));
    }
    const int64_t keep = next < spans_.size() ? spans_[next].byte_begin : end;
    text.erase(0, std::max<int64_t>(0, keep - begin));
    begin = std::max(begin, keep);
  }
  return FromGrpc(reader->Finish());
}

absl::StatusOr<std::vector<Hit>> SpanRanker::Best(int count) const {
  std::vector<double> lexical(spans_.size(), 0.0);
  if (index_ != nullptr) {
    ASSIGN_OR_RETURN(const auto found, index_->Search(query_));
    for (const auto& [row, score] : found) lexical[row] = score;
  }
  std::vector<double> scores(spans_.size());
  for (size_t i = 0; i < spans_.size(); ++i) scores[i] = spans_[i].score;
  if (mode_ == SearchMode::kLexical) scores = lexical;
  if (mode_ == SearchMode::kHybrid) scores = FuseScores(scores, lexical);

  std::vector<size_t> order(spans_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  std::vector<Hit> best;
  for (const size_t i : order) {
    if (static_cast<int>(best.size()) == count) break;
    if (mode_ == SearchMode::kLexical && lexical[i] <= 0) continue;
    best.push_back(spans_[i]);
    best.back().score = scores[i];
  }
  return best;
}

}  // namespace oxbow::cli
