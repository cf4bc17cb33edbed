// restore: makes a backup a store again, and verifies it before it says so.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "clients/admin/command.h"
#include "clients/admin/verify_report.h"
#include "clients/cli/call_status.h"
#include "store/restore_backup.h"

namespace oxbow::admin {
namespace {

constexpr char kFooter[] =
    "\nThe files are copied and compared with their checksums; then everything "
    "in them is\nread as by `verify`, and held to what was acknowledged when "
    "the backup began. Only\na whole store becomes one: whatever else is left "
    "stands in STORE/restoring, which\nno server opens and you may remove.\n"
    "\nExample:\n"
    "  oxbow-admin restore --backup-dir=/mnt/oxbow --store=/var/lib/oxbow2\n"
    "  oxbowd --store=/var/lib/oxbow2 ...\n";

struct Flags {
  std::string backups;
  uint32_t id = 0;
  std::string store;
};

absl::Status Restore(const Flags& flags, const Session& session) {
  RestoreOptions options;
  options.backups = flags.backups;
  if (flags.id > 0) options.id = flags.id;
  options.store = flags.store;
  VerifyLine line(flags.store, session);
  options.on_progress = line.listener();
  const absl::StatusOr<RestoredStore> restored = RestoreBackup(options);
  line.Finish();
  if (!restored.ok()) return StoreFault(restored.status());
  const VerifyReport& report = restored->report;
  if (session.json) {
    Json json;
    json["store"] = flags.store;
    json["backup"] = restored->backup.id;
    json.update(ToJson(report));
    session.Print(json);
  } else {
    for (const std::string& finding : report.findings) {
      *session.out << finding << "\n";
    }
    if (report.whole()) {
      *session.out << flags.store << " is backup " << restored->backup.id
                   << ", and whole: " << ToText(report) << std::endl;
    }
  }
  if (report.whole()) return absl::OkStatus();
  return cli::DataFault(absl::StrCat(
      "backup ", restored->backup.id, " is not whole: ", report.findings_count,
      " findings; no store was made. Try an older one"));
}

}  // namespace

void AddRestore(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "restore", "Make a backup a store in a new folder, and verify it");
  command->footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command->add_option("--backup-dir", flags->backups, "The folder of backups")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--id", flags->id,
                   "Which backup; `backups` lists them. Default: the newest")
      ->check(CLI::Range(uint32_t{1}, ~uint32_t{0}));
  command
      ->add_option("--store", flags->store,
                   "The folder to restore into: new, or empty")
      ->required()
      ->type_name("DIR");
  command->callback([run, flags] {
    *run = [flags](const Session& session) { return Restore(*flags, session); };
  });
}

}  // namespace oxbow::admin
