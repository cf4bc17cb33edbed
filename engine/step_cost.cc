#include "engine/step_cost.h"

#include <algorithm>

#include "base/check.h"

namespace oxbow {
namespace {

// Steps until rows of a class should run alone again. One in so many costs
// bulk work about a hundredth of its time.
constexpr int64_t kAloneEvery = 16;
// Steps until what bulk rows cost is forgotten. A class that looks dear is not
// tried: a bad first step, or a busy machine that has got quieter since, would
// keep it out for good.
constexpr int64_t kForgetAfter = 32;

}  // namespace

int StepCost::ClassOf(int rows) {
  OXBOW_CHECK(rows > 0) << rows;
  int number = 0;
  while (rows > 1 && number + 1 < kClasses) {
    rows /= 2;
    ++number;
  }
  return number;
}

void StepCost::Keep(Class* steps, int rows, double seconds) {
  if (!Ran(*steps, kForgetAfter)) steps->count = 0;
  steps->steps[steps->count++ % kKept] = {rows, seconds};
  steps->newest = steps_;
}

bool StepCost::Ran(const Class& steps, int64_t lately) const {
  return steps.count > 0 && steps_ - steps.newest < lately;
}

void StepCost::Add(int interactive_rows, int bulk_rows, double seconds) {
  if (seconds < 0) return;
  ++steps_;
  if (bulk_rows == 0) {
    return Keep(&alone_[ClassOf(interactive_rows)], interactive_rows, seconds);
  }
  double before = 0;
  if (interactive_rows > 0) {
    const absl::optional<double> alone = Alone(interactive_rows);
    if (!alone.has_value()) return;
    before = *alone;
  }
  Keep(&extra_[ClassOf(bulk_rows)], bulk_rows, std::max(0.0, seconds - before));
}

double StepCost::Scaled(const Class& steps, int rows, bool up) {
  std::array<double, kKept> seconds;
  const int count = static_cast<int>(std::min<int64_t>(steps.count, kKept));
  for (int i = 0; i < count; ++i) {
    const Step& step = steps.steps[i];
    const double scale = static_cast<double>(rows) / step.rows;
    seconds[i] = step.seconds * (up ? scale : std::min(1.0, scale));
  }
  const auto median = seconds.begin() + (count - 1) / 2;
  std::nth_element(seconds.begin(), median, seconds.begin() + count);
  return *median;
}

absl::optional<double> StepCost::Alone(int interactive_rows) const {
  const Class& steps = alone_[ClassOf(interactive_rows)];
  if (steps.count == 0) return absl::nullopt;
  // Never too much: what it may cost beside it would be too much as well.
  return Scaled(steps, interactive_rows, /*up=*/false);
}

bool StepCost::IsDue(int interactive_rows) const {
  return !Ran(alone_[ClassOf(interactive_rows)], kAloneEvery);
}

absl::optional<double> StepCost::Extra(int bulk_rows) const {
  const int own = ClassOf(bulk_rows);
  for (int number = own; number >= 0; --number) {
    if (!Ran(extra_[number], kForgetAfter)) continue;
    return Scaled(extra_[number], bulk_rows, /*up=*/true);
  }
  for (int number = own + 1; number < kClasses; ++number) {
    if (!Ran(extra_[number], kForgetAfter)) continue;
    return Scaled(extra_[number], bulk_rows, /*up=*/true);
  }
  return absl::nullopt;
}

}  // namespace oxbow
