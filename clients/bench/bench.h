// oxbow-bench, but for main().
#ifndef OXBOW_CLIENTS_BENCH_BENCH_H_
#define OXBOW_CLIENTS_BENCH_BENCH_H_

#include <atomic>
#include <ostream>

namespace oxbow::bench {

struct Surroundings {
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  bool err_is_terminal = false;
  // Once true, the loads stop and their streams are deleted.
  const std::atomic<bool>* interrupted = nullptr;
};

// Exit code after an interruption: 128 and SIGINT.
constexpr int kExitInterrupted = 130;

// Does what the command line says. Returns the exit code: one of
// cli::ExitCode, or kExitInterrupted.
int RunBench(int argc, const char* const* argv,
             const Surroundings& surroundings);

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_BENCH_H_
