// Which rows go into the next step.
#ifndef OXBOW_ENGINE_SCHEDULER_H_
#define OXBOW_ENGINE_SCHEDULER_H_

#include <cstdint>
#include <deque>
#include <vector>

namespace oxbow {

// Who waits for a sequence.
enum class Priority {
  kInteractive,  // somebody waits for each token
  kBulk,         // a document being read
};

// Holds no thread, lock, clock or model: the same calls give the same steps.
// Sequences take turns; one that got rows goes to the back of its queue.
// Interactive sequences come first, but bulk ones keep a share, as large as
// the caller says, so that neither starves the other.
class Scheduler {
 public:
  struct Options {
    // Rows in one step. More rows raise throughput, and the time a decode row
    // waits that comes a moment late.
    int rows_max = 256;
    // Rows of one sequence while others wait, so that a book cannot starve a
    // tweet.
    int sequence_rows_max = 64;
  };

  // `rows` of sequence `id` in the next step.
  struct Share {
    uint64_t id = 0;
    int rows = 0;
  };

  // rows_max is 2 at least: one row for each kind of sequence.
  explicit Scheduler(const Options& options);

  // A sequence `id` (not waiting yet) has `rows` > 0 rows to run.
  void Add(uint64_t id, Priority priority, int rows);
  // Forgets a sequence; nothing happens if it does not wait.
  void Remove(uint64_t id);

  bool empty() const { return interactive_.empty() && bulk_.empty(); }
  bool has_bulk() const { return !bulk_.empty(); }
  // Interactive rows of the next step, if no bulk rows take their place.
  int interactive_rows() const;
  // Interactive sequences of one row, at most a step's: each a token that
  // somebody waits for right behind the one before.
  int decode_rows() const;

  // The next step, with at most so many bulk rows: BulkShare says how many.
  // They are at most what interactive rows leave of a step, or half of it. What
  // it takes counts as run; a sequence with rows left goes on waiting. Empty if
  // nothing waits, or only bulk rows when none may go.
  std::vector<Share> Next(int bulk_rows_max);

 private:
  struct Waiting {
    uint64_t id;
    int rows;
  };

  // Rows one sequence of the queue may have of so many.
  int Each(const std::deque<Waiting>& queue, int rows_max) const;
  // Moves up to `rows_max` rows from the front of `queue` to `step`.
  void TakeTurns(int rows_max, std::deque<Waiting>* queue,
                 std::vector<Share>* step);

  const Options options_;
  std::deque<Waiting> interactive_;
  std::deque<Waiting> bulk_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_SCHEDULER_H_
