// The figures of a very long document, as a table and as JSON.
#ifndef OXBOW_CLIENTS_BENCH_REPORT_LONG_H_
#define OXBOW_CLIENTS_BENCH_REPORT_LONG_H_

#include <ostream>

#include "clients/bench/long_figures.h"
#include "nlohmann/json.hpp"

namespace oxbow::bench {

void PrintLong(const LongRun& run, std::ostream* out);

// Times in seconds, units in the names. What was not sampled is null. With
// every window and probe, in order.
nlohmann::ordered_json ToJson(const LongRun& run);

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_REPORT_LONG_H_
