#include "clients/admin/admin.h"

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "clients/admin/command.h"
#include "clients/cli/call_status.h"

namespace oxbow::admin {
namespace {

constexpr char kDescription[] =
    "oxbow-admin is for whoever keeps an oxbowd: it looks after its store.\n";

constexpr char kFooter[] = R"(
With --json each command prints one JSON object a line.

Errors are one sentence on standard error. Exit codes: 0 done, and whole. 1
refused. 64 the command line is wrong. 65 the store or the backup is damaged.
66 it is not there, or may not be read. 69 the server cannot be reached. 75 the
store is in use, or the disk or the server is full: try later.

Examples:
  oxbow-admin verify --store=/var/lib/oxbow
  oxbow-admin backup --server=127.0.0.1:7008
  oxbow-admin restore --backup-dir=/mnt/oxbow --store=/var/lib/oxbow2
  oxbow-admin gc --store=/var/lib/oxbow --dry-run

docs/operations.md tells which command is for which day.
)";

}  // namespace

CLI::Option* AddServer(CLI::App* command, std::string* server) {
  return command
      ->add_option("--server", *server,
                   "A running server's oxbowd --admin-listen")
      ->type_name("HOST:PORT");
}

void CheckEither(bool has_server, bool has_other, const std::string& other) {
  if (has_server || has_other) return;
  throw CLI::RequiredError(absl::StrCat("--server or ", other));
}

int RunAdmin(int argc, const char* const* argv, const Streams& streams) {
  CLI::App app(kDescription, "oxbow-admin");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();
  Session session;
  session.out = streams.out;
  session.err = streams.err;
  session.err_is_terminal = streams.err_is_terminal;
  app.add_flag("--json", session.json, "One JSON object a line");
  Run run;
  AddVerify(&app, &run);
  AddBackup(&app, &run);
  AddBackups(&app, &run);
  AddRebuild(&app, &run);
  AddRestore(&app, &run);
  AddGc(&app, &run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return app.exit(error, *streams.out, *streams.err);
    }
    *streams.err << "oxbow-admin: " << error.what()
                 << "; see oxbow-admin --help" << std::endl;
    return cli::kExitUsage;
  }
  const absl::Status status = run(session);
  if (!status.ok()) {
    *streams.err << "oxbow-admin: " << cli::Sentence(status) << std::endl;
  }
  return cli::ExitCodeOf(status);
}

}  // namespace oxbow::admin
