// verify: reads everything of a store and says what is wrong with it.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "base/status_macros.h"
#include "clients/admin/command.h"
#include "clients/admin/replay.h"
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
    "\nWith --replay, a whole store's states are also held against its text: a "
    "sample is\ncomputed again from the logs.\n"
    "\nA finding is a line on standard output: which stream, what, which "
    "offset.\n"
    "docs/operations.md says what to do about it.\n"
    "\nExamples:\n"
    "  oxbow-admin verify --store=/var/lib/oxbow\n"
    "  oxbow-admin verify --store=/var/lib/oxbow2 --replay=20 "
    "--model=rwkv7-g1a-0.1b.pth\n";

struct Flags {
  std::string store;
  ReplayFlags replay;
};

void Show(const Flags& flags, const VerifyReport& report,
          const absl::optional<ReplayReport>& replay, const Session& session) {
  if (session.json) {
    Json json;
    json["store"] = flags.store;
    json.update(ToJson(report));
    if (replay) {
      json["replayed"] = replay->replayed;
      json["other_numerics"] = replay->other_numerics;
      json["seed"] = flags.replay.seed;
    }
    return session.Print(json);
  }
  for (const std::string& finding : report.findings) {
    *session.out << finding << "\n";
  }
  *session.out << flags.store << (report.whole() ? " is whole: " : ": ")
               << ToText(report);
  if (replay) {
    *session.out << "; " << replay->replayed << " checkpoints replayed (seed "
                 << flags.replay.seed << ")";
    if (replay->other_numerics > 0) {
      *session.out << ", " << replay->other_numerics
                   << " of other numerics not compared";
    }
  }
  *session.out << std::endl;
}

absl::Status Verify(const Flags& flags, const Session& session) {
  VerifyLine line(flags.store, session);
  VerifyOptions options;
  options.store.path = flags.store;
  options.on_progress = line.listener();
  absl::StatusOr<VerifyReport> report = VerifyStore(options);
  line.Finish();
  if (!report.ok()) return StoreFault(report.status());
  absl::optional<ReplayReport> replay;
  // A damaged store says nothing of its model.
  if (flags.replay.count > 0 && report->whole()) {
    ASSIGN_OR_RETURN(replay, Replay(flags.store, flags.replay, session));
    report->findings = replay->findings;
    report->findings_count = replay->findings.size();
  }
  Show(flags, *report, replay, session);
  if (report->whole()) return absl::OkStatus();
  return cli::DataFault(absl::StrCat(flags.store,
                                     " is not whole: ", report->findings_count,
                                     " findings; see docs/operations.md"));
}

}  // namespace

void AddVerify(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "verify", "Read everything of a store and say what is wrong with it");
  command->footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command->add_option("--store", flags->store, "The store's folder")
      ->required()
      ->type_name("DIR");
  AddReplayFlags(command, &flags->replay);
  command->callback([run, flags] {
    *run = [flags](const Session& session) { return Verify(*flags, session); };
  });
}

}  // namespace oxbow::admin
