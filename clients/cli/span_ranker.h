// Finds the spans of streams that answer a query best.
#ifndef OXBOW_CLIENTS_CLI_SPAN_RANKER_H_
#define OXBOW_CLIENTS_CLI_SPAN_RANKER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/connection.h"
#include "clients/cli/lexical_index.h"

namespace oxbow::cli {

enum class SearchMode { kHybrid, kVector, kLexical };

struct Hit {
  std::string stream_id;
  int64_t byte_begin = 0;
  int64_t byte_end = 0;
  double score = 0;
};

// Reads the timelines of streams, and (unless the mode is kVector) their text
// once, in pieces. Memory: a few numbers a span and the index. Not the text,
// not the vectors. Thread-compatible.
class SpanRanker {
 public:
  // Embeds the query, unless the mode is kLexical; with an instruction unless
  // that is empty. Borrows the connection.
  static absl::StatusOr<std::unique_ptr<SpanRanker>> Make(
      Connection* connection, SearchMode mode, const std::string& query,
      const std::string& instruction);

  absl::Status AddStream(const std::string& stream_id);

  // The best spans, best first. Spans that have nothing to do with a lexical
  // query are no hits of it.
  absl::StatusOr<std::vector<Hit>> Best(int count) const;

  size_t span_count() const { return spans_.size(); }
  // The vectors are of a plain language model.
  bool raw() const { return raw_; }

 private:
  SpanRanker(Connection* connection, SearchMode mode, std::string query)
      : connection_(connection), mode_(mode), query_(std::move(query)) {}
  absl::Status EmbedQuery(const std::string& instruction);
  absl::Status ReadTimeline(const std::string& stream_id);
  // Indexes the text of the spans from number `first` on.
  absl::Status ReadText(const std::string& stream_id, size_t first);

  Connection* const connection_;
  const SearchMode mode_;
  const std::string query_;
  std::vector<float> query_vector_;
  bool raw_ = false;
  std::vector<Hit> spans_;               // score: the cosine
  std::unique_ptr<LexicalIndex> index_;  // rows are numbers of spans
};

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_SPAN_RANKER_H_
