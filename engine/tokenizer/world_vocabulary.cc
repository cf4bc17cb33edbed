#include "engine/tokenizer/world_vocabulary.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "engine/tokenizer/python_literal.h"
#include "engine/tokenizer/vocabulary.h"

namespace oxbow {
namespace {

struct Line {
  int id = 0;
  std::string piece;
};

// A number of decimal digits alone: no sign, no space.
bool ParseNumber(absl::string_view text, int* number) {
  return !text.empty() && text.size() <= 9 &&
         text.find_first_not_of("0123456789") == absl::string_view::npos &&
         absl::SimpleAtoi(text, number);
}

absl::StatusOr<Line> ParseLine(absl::string_view text) {
  // The literal may hold spaces: it lies between the first and the last.
  const size_t first = text.find(' ');
  const size_t last = text.rfind(' ');
  if (first == absl::string_view::npos || first == last) {
    return absl::InvalidArgumentError("want ID LITERAL LENGTH");
  }
  Line line;
  if (!ParseNumber(text.substr(0, first), &line.id)) {
    return absl::InvalidArgumentError("the id is not a number");
  }
  int length;
  if (!ParseNumber(text.substr(last + 1), &length)) {
    return absl::InvalidArgumentError("the length is not a number");
  }
  ASSIGN_OR_RETURN(
      line.piece, ParsePythonLiteral(text.substr(first + 1, last - first - 1)));
  if (line.piece.size() != static_cast<size_t>(length)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the piece has ", line.piece.size(), " bytes, the line says ", length));
  }
  return line;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseWorldVocabulary(
    absl::string_view text, absl::string_view file) {
  Vocabulary vocabulary;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = std::min(text.find('\n'), text.size());
    const absl::string_view line_text =
        absl::StripSuffix(text.substr(0, end), "\r");
    text.remove_prefix(std::min(end + 1, text.size()));
    absl::StatusOr<Line> line = ParseLine(line_text);
    const absl::Status status =
        line.ok() ? vocabulary.Add(line->id, std::move(line->piece))
                  : line.status();
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, ":", number, ": ", status.message()));
    }
  }
  const absl::Status complete = vocabulary.CheckComplete();
  if (!complete.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": ", complete.message()));
  }
  return vocabulary.Take();
}

}  // namespace oxbow
