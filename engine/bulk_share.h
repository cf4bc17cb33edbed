// How much of a document goes beside tokens somebody waits for.
#ifndef OXBOW_ENGINE_BULK_SHARE_H_
#define OXBOW_ENGINE_BULK_SHARE_H_

#include <limits>
#include <vector>

#include "absl/types/span.h"
#include "engine/step_cost.h"

namespace oxbow {

// Readers take turns: a step of each is a round. Of a round with interactive
// rows it bounds the bulk rows, so that a token comes at most so many times
// later than without books. What rows cost it learns from the steps that ran;
// now and then it lets a round go without bulk rows to learn what that takes,
// never two in a row. Only the cut of documents into steps depends on it, and
// no state does on that.
//
// Holds no clock: the same calls give the same answers. Thread-compatible.
class BulkShare {
 public:
  struct Options {
    // A round with bulk rows, as a multiple of one that does nothing but
    // decode; if nobody decodes, of the same without bulk rows. Above 1.
    // Books get about 1 - 1/slowdown_max of their speed.
    double slowdown_max = 8;
    // But no round with bulk rows takes longer than this, ten tokens a second,
    // unless the model is so slow that slowdown_least times its decoding
    // already does.
    double seconds_max = 0.1;
    double slowdown_least = 2.5;
    // At least so many bulk rows go, whatever they cost: fewer would read all
    // weights for little. And at least a quarter as many as interactive rows,
    // so that prompts without end do not stop the books.
    int rows_min = 8;
    int rows_max = 192;
  };
  // What waits for one reader.
  struct Waiting {
    int interactive_rows = 0;  // that its next step takes
    int decode_rows = 0;       // those of them that are a sequence's only one
    bool bulk = false;
  };

  // More than any step has.
  static constexpr int kNoBound = std::numeric_limits<int>::max();

  BulkShare(const Options& options, int readers);

  // The most bulk rows of each reader's step in the next round. kNoBound if
  // nobody waits for a token.
  int RowsOfNext(absl::Span<const Waiting> waiting);
  // A step of a reader took `seconds`.
  void Ran(int reader, int interactive_rows, int bulk_rows, double seconds);

 private:
  // Some reader should run its interactive rows alone.
  bool IsDue(absl::Span<const Waiting> waiting) const;
  // Seconds that bulk rows may take, as far as that is known.
  double Left(absl::Span<const Waiting> waiting) const;
  // What so many bulk rows of each reader add; infinite if that is not known.
  double Extra(absl::Span<const Waiting> waiting, int rows) const;

  const Options options_;
  std::vector<StepCost> costs_;  // of each reader
  bool was_alone_ = false;       // the last round with both kinds
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_BULK_SHARE_H_
