#include "engine/scheduler.h"

#include <algorithm>

#include "base/check.h"

namespace oxbow {

Scheduler::Scheduler(const Options& options) : options_(options) {
  OXBOW_CHECK(options.rows_max >= 2 && options.sequence_rows_max >= 1)
      << "a step too small for two kinds of sequences";
}

void Scheduler::Add(uint64_t id, Priority priority, int rows) {
  OXBOW_CHECK(rows > 0) << "a sequence without rows";
  (priority == Priority::kInteractive ? interactive_ : bulk_)
      .push_back({id, rows});
}

void Scheduler::Remove(uint64_t id) {
  const auto is_it = [id](const Waiting& waiting) { return waiting.id == id; };
  for (std::deque<Waiting>* queue : {&interactive_, &bulk_}) {
    queue->erase(std::remove_if(queue->begin(), queue->end(), is_it),
                 queue->end());
  }
}

std::vector<Scheduler::Share> Scheduler::Next() {
  std::vector<Share> step;
  const bool mixed = !interactive_.empty() && !bulk_.empty();
  const int bulk_rows = mixed ? std::min(options_.bulk_rows_beside_interactive,
                                         options_.rows_max / 2)
                              : options_.rows_max;
  TakeTurns(options_.rows_max - (mixed ? bulk_rows : 0), &interactive_, &step);
  TakeTurns(bulk_rows, &bulk_, &step);
  return step;
}

void Scheduler::TakeTurns(int rows_max, std::deque<Waiting>* queue,
                          std::vector<Share>* step) {
  // Alone, a sequence may fill the step.
  const int each = queue->size() == 1 ? rows_max : options_.sequence_rows_max;
  size_t turns = queue->size();
  while (turns-- > 0 && rows_max > 0) {
    Waiting waiting = queue->front();
    queue->pop_front();
    const int rows = std::min({waiting.rows, each, rows_max});
    step->push_back({waiting.id, rows});
    rows_max -= rows;
    waiting.rows -= rows;
    if (waiting.rows > 0) queue->push_back(waiting);
  }
}

}  // namespace oxbow
