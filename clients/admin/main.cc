// oxbow-admin: the operator's tool.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "clients/admin/admin.h"
#include "grpc/support/log.h"

int main(int argc, char** argv) {
  // `oxbow-admin verify ... | head` ends when head has enough.
  std::signal(SIGPIPE, SIG_IGN);
  // What matters of gRPC's own lines is in our one sentence.
  if (std::getenv("GRPC_VERBOSITY") == nullptr) {
    gpr_set_log_function([](gpr_log_func_args*) {});
  }
  oxbow::admin::Streams streams;
  streams.out = &std::cout;
  streams.err = &std::cerr;
  streams.err_is_terminal = isatty(STDERR_FILENO) == 1;
  return oxbow::admin::RunAdmin(argc, argv, streams);
}
