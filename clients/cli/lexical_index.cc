#include "clients/cli/lexical_index.h"

#include <sqlite3.h>

#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace oxbow::cli {
namespace {

// Longer queries would only be slower.
constexpr size_t kWordsMax = 256;

constexpr char kCreate[] =
    "CREATE VIRTUAL TABLE spans USING fts5(text, content='', "
    "tokenize='porter unicode61 remove_diacritics 2'); BEGIN;";

}  // namespace

std::string ToMatchExpression(const std::string& query) {
  std::vector<std::string> words;
  for (const absl::string_view word :
       absl::StrSplit(query, absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty())) {
    if (words.size() == kWordsMax) break;
    words.push_back(
        absl::StrCat("\"", absl::StrReplaceAll(word, {{"\"", "\"\""}}), "\""));
  }
  return absl::StrJoin(words, " OR ");
}

absl::StatusOr<std::unique_ptr<LexicalIndex>> LexicalIndex::Make() {
  std::unique_ptr<LexicalIndex> index(new LexicalIndex());
  if (sqlite3_open(":memory:", &index->database_) != SQLITE_OK) {
    return index->Fault();
  }
  RETURN_IF_ERROR(index->Execute(kCreate));
  return index;
}

LexicalIndex::~LexicalIndex() { sqlite3_close(database_); }

absl::Status LexicalIndex::Fault() const {
  return absl::InternalError(
      absl::StrCat("the full-text index: ", sqlite3_errmsg(database_)));
}

absl::Status LexicalIndex::Execute(const char* sql) {
  return sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK
             ? absl::OkStatus()
             : Fault();
}

absl::Status LexicalIndex::Add(int64_t row, const std::string& text) {
  sqlite3_stmt* insert = nullptr;
  const auto finalize =
      absl::MakeCleanup([&insert] { sqlite3_finalize(insert); });
  if (sqlite3_prepare_v2(database_,
                         "INSERT INTO spans(rowid, text) VALUES(?, ?)", -1,
                         &insert, nullptr) != SQLITE_OK ||
      sqlite3_bind_int64(insert, 1, row) != SQLITE_OK ||
      sqlite3_bind_text(insert, 2, text.data(), text.size(), SQLITE_STATIC) !=
          SQLITE_OK ||
      sqlite3_step(insert) != SQLITE_DONE) {
    return Fault();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<int64_t, double>> LexicalIndex::Search(
    const std::string& query) {
  std::map<int64_t, double> scores;
  const std::string match = ToMatchExpression(query);
  if (match.empty()) return scores;
  sqlite3_stmt* select = nullptr;
  const auto finalize =
      absl::MakeCleanup([&select] { sqlite3_finalize(select); });
  if (sqlite3_prepare_v2(
          database_, "SELECT rowid, bm25(spans) FROM spans WHERE spans MATCH ?",
          -1, &select, nullptr) != SQLITE_OK ||
      sqlite3_bind_text(select, 1, match.data(), match.size(), SQLITE_STATIC) !=
          SQLITE_OK) {
    return Fault();
  }
  int code;
  while ((code = sqlite3_step(select)) == SQLITE_ROW) {
    // SQLite's is negative, less is better.
    scores[sqlite3_column_int64(select, 0)] = -sqlite3_column_double(select, 1);
  }
  if (code != SQLITE_DONE) return Fault();
  return scores;
}

}  // namespace oxbow::cli
