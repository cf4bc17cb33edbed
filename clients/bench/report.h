// Figures as tables for people and as JSON for programs.
#ifndef OXBOW_CLIENTS_BENCH_REPORT_H_
#define OXBOW_CLIENTS_BENCH_REPORT_H_

#include <ostream>
#include <string>

#include "clients/bench/figures.h"
#include "nlohmann/json.hpp"
#include "oxbow/v1/models.pb.h"

namespace oxbow::bench {

// Keeps the order in which names are set.
using Json = nlohmann::ordered_json;

// What was asked, of which server.
struct Asked {
  std::string load;
  std::string server;
  double seconds = 0;  // of each window; 0: the load has none
  int chunk_bytes = 0;
  std::string text;  // the file's name; "": random words
  v1::GetModelResponse model;
  double load_average = 0;  // of the client's machine, as it began
  int cores = 0;            // its
};

// Tables with units in their heads. What has no sample is "-".
void PrintTables(const Asked& asked, const Figures& figures, std::ostream* out);

// Times in seconds, units in the names. What has no sample is null.
Json ToJson(const Asked& asked, const Figures& figures);

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_REPORT_H_
