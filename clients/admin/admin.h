// The whole program, but for main().
#ifndef OXBOW_CLIENTS_ADMIN_ADMIN_H_
#define OXBOW_CLIENTS_ADMIN_ADMIN_H_

#include <ostream>

namespace oxbow::admin {

struct Streams {
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  bool err_is_terminal = false;
};

// Does what the command line says. Returns the exit code.
int RunAdmin(int argc, const char* const* argv, const Streams& streams);

}  // namespace oxbow::admin

#endif  // OXBOW_CLIENTS_ADMIN_ADMIN_H_
