// What a command gets, and how it announces itself.
#ifndef OXBOW_CLIENTS_CLI_COMMAND_H_
#define OXBOW_CLIENTS_CLI_COMMAND_H_

#include <functional>
#include <ostream>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "clients/cli/connection.h"
#include "nlohmann/json.hpp"

namespace oxbow::cli {

// Keeps the order in which names are set.
using Json = nlohmann::ordered_json;

// What a running command works with. Borrowed pointers outlive it.
struct Session {
  Connection* connection = nullptr;
  bool json = false;  // one object a line instead of words
  int stdin_fd = 0;
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  bool err_is_terminal = false;

  // One line of JSON. Bytes that are no UTF-8 become U+FFFD.
  void Print(const Json& object) const;
  // `bytes` as a string of UTF-8, with U+FFFD for what is not.
  static std::string ToUtf8(const std::string& bytes);
};

using Run = std::function<absl::Status(const Session&)>;

// Each adds its subcommand; when it is chosen, *run is set to what it does.
void AddAppend(CLI::App* app, Run* run);
void AddCheckpoint(CLI::App* app, Run* run);
void AddCheckpoints(CLI::App* app, Run* run);
void AddEmbed(CLI::App* app, Run* run);
void AddExport(CLI::App* app, Run* run);
void AddFork(CLI::App* app, Run* run);
void AddGenerate(CLI::App* app, Run* run);
void AddImport(CLI::App* app, Run* run);
void AddLs(CLI::App* app, Run* run);
void AddModel(CLI::App* app, Run* run);
void AddRerank(CLI::App* app, Run* run);
void AddRm(CLI::App* app, Run* run);
void AddScore(CLI::App* app, Run* run);
void AddSearch(CLI::App* app, Run* run);
void AddShow(CLI::App* app, Run* run);
void AddText(CLI::App* app, Run* run);
void AddTokenize(CLI::App* app, Run* run);

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_COMMAND_H_
