// Full-text search over spans of text, by SQLite's FTS5, in memory.
#ifndef OXBOW_CLIENTS_CLI_LEXICAL_INDEX_H_
#define OXBOW_CLIENTS_CLI_LEXICAL_INDEX_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct sqlite3;

namespace oxbow::cli {

// Words are found by their stems (Porter), whatever their case and accents.
// Only the index is kept, not the text. Thread-compatible.
class LexicalIndex {
 public:
  static absl::StatusOr<std::unique_ptr<LexicalIndex>> Make();
  ~LexicalIndex();

  // `text` is UTF-8. Each `row` is added once.
  absl::Status Add(int64_t row, const std::string& text);

  // BM25, more is better, of every row that holds a word of the query.
  absl::StatusOr<std::map<int64_t, double>> Search(const std::string& query);

 private:
  LexicalIndex() = default;
  absl::Status Execute(const char* sql);
  absl::Status Fault() const;

  sqlite3* database_ = nullptr;
};

// The query as FTS5 wants it: any of its words, each a quoted string, so that
// nothing in it is an operator. "" if it has no words.
std::string ToMatchExpression(const std::string& query);

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_LEXICAL_INDEX_H_
