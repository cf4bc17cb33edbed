// The whole program, but for main().
#ifndef OXBOW_CLIENTS_CLI_CLI_H_
#define OXBOW_CLIENTS_CLI_CLI_H_

#include <ostream>

namespace oxbow::cli {

struct Streams {
  int stdin_fd = 0;
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  bool err_is_terminal = false;
};

// Does what the command line says. Returns the exit code.
int RunCli(int argc, const char* const* argv, const Streams& streams);

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_CLI_H_
