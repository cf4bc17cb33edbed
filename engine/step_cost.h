// What the steps of one reader cost on this machine.
#ifndef OXBOW_ENGINE_STEP_COST_H_
#define OXBOW_ENGINE_STEP_COST_H_

#include <array>
#include <cstdint>

#include "absl/types/optional.h"

namespace oxbow {

// Learns from the steps that ran what the next ones will take. Counts of rows
// fall into classes, each twice as large as the one before; of each the newest
// few steps are kept and their median answers, so that no single step that the
// system put aside changes anything.
//
// Holds no clock: the same calls give the same answers. Thread-compatible.
class StepCost {
 public:
  // A step of so many rows of each kind took `seconds`. One below zero (a
  // clock was set back) is not counted.
  void Add(int interactive_rows, int bulk_rows, double seconds);

  // Seconds of a step of so many interactive rows, at least one, with no bulk
  // rows; nullopt: none of their class has run.
  absl::optional<double> Alone(int interactive_rows) const;
  // None of their class has run alone for so long that one should.
  bool IsDue(int interactive_rows) const;

  // Seconds that so many bulk rows, at least one, make a step longer. Of a
  // class that did not run lately: by the next smaller one that did, else by
  // the next larger one; nullopt: by none.
  absl::optional<double> Extra(int bulk_rows) const;

 private:
  // Steps kept of a class: a median of five outlives two bad ones.
  static constexpr int kKept = 5;
  // Up to 32,767 rows.
  static constexpr int kClasses = 15;

  struct Step {
    int rows = 0;
    double seconds = 0;
  };
  struct Class {
    std::array<Step, kKept> steps;  // a ring
    int64_t count = 0;              // of all there were
    int64_t newest = 0;             // its number among all steps
  };

  static int ClassOf(int rows);
  void Keep(Class* steps, int rows, double seconds);
  bool Ran(const Class& steps, int64_t lately) const;
  // Seconds of `rows` rows, as if they took their part of the step's.
  static double Scaled(const Class& steps, int rows, bool up);

  std::array<Class, kClasses> alone_;
  std::array<Class, kClasses> extra_;
  int64_t steps_ = 0;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_STEP_COST_H_
