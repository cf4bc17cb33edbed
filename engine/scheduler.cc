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

int Scheduler::Each(const std::deque<Waiting>& queue, int rows_max) const {
  // Alone, a sequence may fill the step.
  return queue.size() == 1 ? rows_max : options_.sequence_rows_max;
}

int Scheduler::interactive_rows() const {
  const int each = Each(interactive_, options_.rows_max);
  int64_t rows = 0;
  for (const Waiting& waiting : interactive_) {
    rows += std::min(waiting.rows, each);
  }
  return static_cast<int>(std::min<int64_t>(rows, options_.rows_max));
}

int Scheduler::decode_rows() const {
  const auto rows =
      std::count_if(interactive_.begin(), interactive_.end(),
                    [](const Waiting& waiting) { return waiting.rows == 1; });
  return static_cast<int>(std::min<int64_t>(rows, options_.rows_max));
}

std::vector<Scheduler::Share> Scheduler::Next(int bulk_rows_max) {
  OXBOW_CHECK(bulk_rows_max >= 0) << bulk_rows_max;
  std::vector<Share> step;
  const int bulk_rows = std::min(
      bulk_rows_max,
      options_.rows_max - std::min(interactive_rows(), options_.rows_max / 2));
  TakeTurns(options_.rows_max - (bulk_.empty() ? 0 : bulk_rows), &interactive_,
            &step);
  TakeTurns(bulk_rows, &bulk_, &step);
  return step;
}

void Scheduler::TakeTurns(int rows_max, std::deque<Waiting>* queue,
                          std::vector<Share>* step) {
  const int each = Each(*queue, rows_max);
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
