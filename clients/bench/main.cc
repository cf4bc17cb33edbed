// oxbow-bench: what a server's users would feel.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "clients/bench/bench.h"
#include "grpc/support/log.h"

namespace {

std::atomic<bool> interrupted{false};

}  // namespace

int main(int argc, char** argv) {
  // The first lets it clean up, the second ends it at once.
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = true; };
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  // What matters of gRPC's own lines is in our one sentence.
  if (std::getenv("GRPC_VERBOSITY") == nullptr) {
    gpr_set_log_function([](gpr_log_func_args*) {});
  }
  oxbow::bench::Surroundings surroundings;
  surroundings.out = &std::cout;
  surroundings.err = &std::cerr;
  surroundings.err_is_terminal = isatty(STDERR_FILENO) == 1;
  surroundings.interrupted = &interrupted;
  return oxbow::bench::RunBench(argc, argv, surroundings);
}
