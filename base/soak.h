// How long a test of random events goes on.
#ifndef OXBOW_BASE_SOAK_H_
#define OXBOW_BASE_SOAK_H_

#include <cstdint>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "base/check.h"

namespace oxbow {

// The whole number that an environment variable holds; `unset` without it.
// Anything else in it ends the program.
inline int64_t NumberFromEnvironment(const char* name, int64_t unset) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return unset;
  int64_t number = 0;
  OXBOW_CHECK(absl::SimpleAtoi(text, &number)) << name << "=" << text;
  return number;
}

// So many in every run of the tests; OXBOW_SOAK times as many in a soak.
inline int Soaked(int quick) {
  const int64_t times = NumberFromEnvironment("OXBOW_SOAK", 1);
  OXBOW_CHECK(times >= 1 && times <= 10000) << "OXBOW_SOAK=" << times;
  return static_cast<int>(quick * times);
}

// The seed of a test's random events: its own, or OXBOW_SEED, which replays a
// soak that failed.
inline uint64_t SoakSeed(uint64_t own) {
  return NumberFromEnvironment("OXBOW_SEED", static_cast<int64_t>(own));
}

}  // namespace oxbow

#endif  // OXBOW_BASE_SOAK_H_
