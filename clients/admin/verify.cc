// verify: reads everything of a store and says what is wrong with it.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/admin/command.h"
#include "clients/admin/verify_report.h"
#include "clients/cli/call_status.h"

namespace oxbow::admin {
namespace {

constexpr char kFooter[] =
    "\nReads every entry: checksums, digests of states, chains and gaps of "
    "logs, names,\nforks, the acknowledged end, and RocksDB's own files. "
    "Changes nothing. A server\nmay have the store open; the store is then "
    "read as it is at one moment, and an\nanswer of 75 means that it changed "
    "too fast: back it up and verify what is\nrestored, which restore does by "
    "itself.\n"
    "\nA finding is a line on standard output: which stream, what, which "
    "offset.\n"
    "docs/operations.md says what to do about it.\n";

absl::Status Verify(const std::string& store, const Session& session) {
  VerifyLine line(store, session);
  VerifyOptions options;
  options.store.path = store;
  options.on_progress = line.listener();
  const absl::StatusOr<VerifyReport> report = VerifyStore(options);
  line.Finish();
  if (!report.ok()) return StoreFault(report.status());
  if (session.json) {
    Json json;
    json["store"] = store;
    json.update(ToJson(*report));
    session.Print(json);
  } else {
    for (const std::string& finding : report->findings) {
      *session.out << finding << "\n";
    }
    *session.out << store << (report->whole() ? " is whole: " : ": ")
                 << ToText(*report) << std::endl;
  }
  if (report->whole()) return absl::OkStatus();
  return cli::DataFault(absl::StrCat(store,
                                     " is not whole: ", report->findings_count,
                                     " findings; see docs/operations.md"));
}

}  // namespace

void AddVerify(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "verify", "Read everything of a store and say what is wrong with it");
  command->footer(kFooter);
  auto store = std::make_shared<std::string>();
  command->add_option("--store", *store, "The store's folder")
      ->required()
      ->type_name("DIR");
  command->callback([run, store] {
    *run = [store](const Session& session) { return Verify(*store, session); };
  });
}

}  // namespace oxbow::admin
