// Shapes of the RWKV-7 models people run, for random ones of the same speed.
#ifndef OXBOW_TESTS_BENCH_RANDOM_SHAPES_H_
#define OXBOW_TESTS_BENCH_RANDOM_SHAPES_H_

#include <string>
#include <vector>

#include "tests/bench/random_source.h"

namespace oxbow {

// "0.1B", "0.4B", "1.5B": the World models' layers, widths and ranks.
std::vector<std::string> ShapeNames();
// An unknown name is a bug.
RandomShape ShapeOf(const std::string& name);

}  // namespace oxbow

#endif  // OXBOW_TESTS_BENCH_RANDOM_SHAPES_H_
