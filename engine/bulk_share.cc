#include "engine/bulk_share.h"

#include <algorithm>

#include "base/check.h"

namespace oxbow {

namespace {

// The rows whose time alone a round is measured by.
int Wanted(const BulkShare::Waiting& waiting) {
  return waiting.decode_rows > 0 ? waiting.decode_rows
                                 : waiting.interactive_rows;
}

}  // namespace

BulkShare::BulkShare(const Options& options, int readers)
    : options_(options), costs_(readers) {
  OXBOW_CHECK(options.slowdown_max > 1) << options.slowdown_max;
  OXBOW_CHECK(options.rows_min >= 1 && options.rows_min <= options.rows_max)
      << options.rows_min << " to " << options.rows_max;
}

int BulkShare::RowsOfNext(absl::Span<const Waiting> waiting) {
  OXBOW_CHECK(waiting.size() == costs_.size()) << waiting.size();
  int interactive_rows = 0;
  bool bulk = false;
  for (const Waiting& reader : waiting) {
    interactive_rows += reader.interactive_rows;
    bulk |= reader.bulk;
  }
  if (interactive_rows == 0 || !bulk) return kNoBound;
  was_alone_ = !was_alone_ && IsDue(waiting);
  if (was_alone_) return 0;
  const double seconds = Left(waiting);
  int rows = std::max(options_.rows_min, interactive_rows / 4);
  while (rows < options_.rows_max && Extra(waiting, rows + 1) <= seconds) {
    ++rows;
  }
  return rows;
}

void BulkShare::Ran(int reader, int interactive_rows, int bulk_rows,
                    double seconds) {
  if (interactive_rows + bulk_rows == 0) return;
  costs_.at(reader).Add(interactive_rows, bulk_rows, seconds);
}

bool BulkShare::IsDue(absl::Span<const Waiting> waiting) const {
  for (size_t i = 0; i < waiting.size(); ++i) {
    const int rows = waiting[i].interactive_rows;
    // Beside a prompt, what decoding alone takes cannot be seen.
    const bool is_plain = Wanted(waiting[i]) == rows;
    if (rows > 0 && is_plain && costs_[i].IsDue(rows)) return true;
  }
  return false;
}

double BulkShare::Left(absl::Span<const Waiting> waiting) const {
  double decode_seconds = 0, taken_seconds = 0;
  for (size_t i = 0; i < waiting.size(); ++i) {
    const int rows = waiting[i].interactive_rows;
    if (rows == 0) continue;
    const int wanted = Wanted(waiting[i]);
    const double decode = costs_[i].Alone(wanted).value_or(0);
    decode_seconds += decode;
    // Prompts take their time from the books', not from those who wait.
    taken_seconds += costs_[i].Alone(rows).value_or(decode * rows / wanted);
  }
  const double least = std::min(options_.slowdown_least, options_.slowdown_max);
  const double seconds =
      std::min(options_.slowdown_max * decode_seconds,
               std::max(options_.seconds_max, least * decode_seconds));
  return seconds - taken_seconds;
}

double BulkShare::Extra(absl::Span<const Waiting> waiting, int rows) const {
  double seconds = 0;
  for (size_t i = 0; i < waiting.size(); ++i) {
    if (!waiting[i].bulk) continue;
    seconds +=
        costs_[i].Extra(rows).value_or(std::numeric_limits<double>::infinity());
  }
  return seconds;
}

}  // namespace oxbow
