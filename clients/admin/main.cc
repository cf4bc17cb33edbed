// oxbow-admin: the operator's tool.
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "clients/admin/admin.h"

int main(int argc, char** argv) {
  // `oxbow-admin verify ... | head` ends when head has enough.
  std::signal(SIGPIPE, SIG_IGN);
  oxbow::admin::Streams streams;
  streams.out = &std::cout;
  streams.err = &std::cerr;
  streams.err_is_terminal = isatty(STDERR_FILENO) == 1;
  return oxbow::admin::RunAdmin(argc, argv, streams);
}
