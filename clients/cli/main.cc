// oxbow: the command line client.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "clients/cli/cli.h"
#include "grpc/support/log.h"

int main(int argc, char** argv) {
  // `oxbow text s | head` ends when head has enough; it is no crash.
  std::signal(SIGPIPE, SIG_IGN);
  // What matters of gRPC's own lines is in our one sentence.
  if (std::getenv("GRPC_VERBOSITY") == nullptr) {
    gpr_set_log_function([](gpr_log_func_args*) {});
  }
  oxbow::cli::Streams streams;
  streams.stdin_fd = STDIN_FILENO;
  streams.out = &std::cout;
  streams.err = &std::cerr;
  streams.err_is_terminal = isatty(STDERR_FILENO) == 1;
  return oxbow::cli::RunCli(argc, argv, streams);
}
