// Ways to bring a text through a model: by itself, through the engine, through
// a server.
#ifndef OXBOW_TESTS_BENCH_READING_WAY_H_
#define OXBOW_TESTS_BENCH_READING_WAY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/stream_store.h"

namespace oxbow {

// What reading a text took, from its first byte until every token is applied
// and, where there is a log, durable.
struct Reading {
  double seconds = 0;
  // Of processors, by this process and by a server's: what it costs also where
  // other processes wait for the cores. A thread that spins counts.
  double cpu_seconds = 0;
};

// One thread calls.
class ReadingWay {
 public:
  virtual ~ReadingWay() = default;
  // Reads the text as a new stream, which goes again.
  virtual absl::StatusOr<Reading> Read(const std::string& text) = 0;
};

// Which model all ways read with.
struct ReadModel {
  std::string path;
  std::string tokenizer;  // as --tokenizer
  int threads = 0;        // 0: all cores
};

// Rows that the engine puts into a step at most.
constexpr int kStepRows = 256;
// Bytes of a chunk, where the text goes in chunks.
constexpr size_t kChunkBytes = 4096;

// The model alone, kStepRows tokens a step. Finding the tokens takes no time.
absl::StatusOr<std::unique_ptr<ReadingWay>> NewModelWay(const ReadModel& model);

// The engine, over a store of its own.
absl::StatusOr<std::unique_ptr<ReadingWay>> NewEngineWay(
    const ReadModel& model, std::unique_ptr<StreamStore> store);

// An oxbowd (ServerProcess) over a store in `folder`, by one Append call.
absl::StatusOr<std::unique_ptr<ReadingWay>> NewServerWay(
    const ReadModel& model, const std::string& folder);

// Of the model's tokenizer.
absl::StatusOr<int64_t> CountTokens(const ReadModel& model,
                                    const std::string& text);

}  // namespace oxbow

#endif  // OXBOW_TESTS_BENCH_READING_WAY_H_
