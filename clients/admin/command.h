// What a command gets, and how it announces itself.
#ifndef OXBOW_CLIENTS_ADMIN_COMMAND_H_
#define OXBOW_CLIENTS_ADMIN_COMMAND_H_

#include <functional>
#include <ostream>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "nlohmann/json.hpp"

namespace oxbow::admin {

// Keeps the order in which names are set.
using Json = nlohmann::ordered_json;

// What a running command works with. Borrowed pointers outlive it.
struct Session {
  bool json = false;  // one object a line instead of words
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  bool err_is_terminal = false;

  // One line of JSON. Bytes that are no UTF-8 become U+FFFD.
  void Print(const Json& object) const {
    *out << object.dump(-1, ' ', false, Json::error_handler_t::replace)
         << std::endl;
  }
};

using Run = std::function<absl::Status(const Session&)>;

// Each adds its subcommand; when it is chosen, *run is set to what it does.
void AddBackup(CLI::App* app, Run* run);
void AddBackups(CLI::App* app, Run* run);
void AddGc(CLI::App* app, Run* run);
void AddRebuild(CLI::App* app, Run* run);
void AddRestore(CLI::App* app, Run* run);
void AddVerify(CLI::App* app, Run* run);

// --server=HOST:PORT of a running server's Admin service.
CLI::Option* AddServer(CLI::App* command, std::string* server);
// Throws a CLI::ParseError unless one of --server and `other` was given.
void CheckEither(bool has_server, bool has_other, const std::string& other);

// A store's status as this program's: 65 damaged, 66 not there, 75 in use or
// full, 1 anything else.
absl::Status StoreFault(const absl::Status& status);

}  // namespace oxbow::admin

#endif  // OXBOW_CLIENTS_ADMIN_COMMAND_H_
