// rebuild: a store's streams under another model, in a new folder.
#include "engine/rebuild.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "clients/admin/command.h"
#include "clients/admin/model_from_flags.h"
#include "clients/cli/call_status.h"
#include "clients/cli/status_line.h"
#include "store/open_rocks_db.h"
#include "store/rocks_store.h"

namespace oxbow::admin {
namespace {

namespace fs = std::filesystem;

constexpr char kFooter[] =
    "\nThe model reads every stream's text again: states and timelines are "
    "made "
    "anew, names,\nbyte offsets, forks and savepoints stay. STORE is only read "
    "and is still the old model's;\nno server may have it open meanwhile. The "
    "new store stands in TO once it is whole; until\nthen in TO.unfinished, "
    "which is begun anew if it is interrupted.\n\nNot taken along: results of "
    "request ids. Streams that begin as imported states cannot be\nrebuilt, "
    "for "
    "their text is not here. Token ids that were appended or generated stay "
    "as\n"
    "they are: with such, the new model needs the old one's tokenizer.\n"
    "\nExample:\n"
    "  oxbow-admin rebuild --store=/var/lib/oxbow --to=/var/lib/oxbow2 \\\n"
    "      --model=better.safetensors\n"
    "  oxbowd --store=/var/lib/oxbow2 --model=better.safetensors ...\n";

struct Flags {
  std::string store;
  std::string to;
  ModelFlags generator;
  std::string embedder;
  std::string embedder_tokenizer;
  bool leave_imported_out = false;
};

std::string Unfinished(const Flags& flags) { return flags.to + ".unfinished"; }

absl::Status CheckFolders(const Flags& flags) {
  std::error_code error;
  if (fs::exists(flags.to, error)) {
    return cli::UsageFault(absl::StrCat(
        "--to: ", flags.to, " is there already; a new store needs a new one"));
  }
  fs::remove_all(Unfinished(flags), error);
  if (!error) return absl::OkStatus();
  return cli::InputFault(
      absl::StrCat(Unfinished(flags), ": ", error.message()));
}

absl::StatusOr<RebuildReport> RebuildStores(const Flags& flags,
                                            RebuildOptions options,
                                            const Session& session) {
  const RealClock clock;
  const int states = 2 * options.engine.limits.open_streams_max + 8;
  ASSIGN_OR_RETURN(ReaderSpec generator,
                   LoadReader(flags.generator, states, &clock, session));
  absl::optional<ReaderSpec> embedder;
  if (!flags.embedder.empty()) {
    ModelFlags embeds = flags.generator;
    embeds.model = flags.embedder;
    embeds.tokenizer = flags.embedder_tokenizer;
    embeds.adapters.clear();
    ASSIGN_OR_RETURN(embedder, LoadReader(embeds, states, &clock, session));
  }
  RocksStoreOptions from;
  from.path = flags.store;
  from.create_if_missing = false;
  const absl::StatusOr<std::unique_ptr<DiskStore>> old = OpenRocksStore(from);
  if (!old.ok()) return StoreFault(old.status());
  RocksStoreOptions to;
  to.path = Unfinished(flags);
  const absl::StatusOr<std::unique_ptr<DiskStore>> made = OpenRocksStore(to);
  if (!made.ok()) return StoreFault(made.status());
  absl::StatusOr<RebuildReport> report =
      Rebuild(**old, made->get(), std::move(generator), std::move(embedder),
              &clock, options);
  if (absl::IsFailedPrecondition(report.status())) {
    return cli::DataFault(report.status().message());
  }
  if (!report.ok()) return StoreFault(report.status());
  return report;
}

// The new store, whole, gets its name.
absl::Status Finish(const Flags& flags) {
  std::error_code error;
  fs::rename(Unfinished(flags), flags.to, error);
  if (error) {
    return cli::InputFault(absl::StrCat(flags.to, ": ", error.message()));
  }
  const std::string folder = fs::absolute(flags.to).parent_path();
  const absl::Status synced = SyncFolder(folder);
  return synced.ok() ? synced : StoreFault(synced);
}

absl::Status RunRebuild(const Flags& flags, const Session& session) {
  RETURN_IF_ERROR(CheckFolders(flags));
  cli::StatusLine line(session.err, session.err_is_terminal);
  RebuildOptions options;
  options.leave_imported_out = flags.leave_imported_out;
  options.on_progress = [&line](int done, int total) {
    line.Show(absl::Now(), [done, total] {
      return absl::StrCat("read ", done, " of ", total, " streams again");
    });
  };
  ASSIGN_OR_RETURN(const RebuildReport report,
                   RebuildStores(flags, std::move(options), session));
  RETURN_IF_ERROR(Finish(flags));
  if (session.json) {
    Json json;
    json["store"] = flags.to;
    json["streams"] = report.streams;
    json["savepoints"] = report.savepoints;
    json["left_out"] = report.left_out;
    session.Print(json);
    return absl::OkStatus();
  }
  for (const std::string& name : report.left_out) {
    *session.out << "left out: " << name << ", which began as a state\n";
  }
  *session.out << flags.to << " holds " << report.streams << " streams, with "
               << report.savepoints << " savepoints, as "
               << flags.generator.model << " reads them" << std::endl;
  return absl::OkStatus();
}

}  // namespace

void AddRebuild(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "rebuild", "Read every stream again under another model");
  command->footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command->add_option("--store", flags->store, "The old store's folder")
      ->required()
      ->type_name("DIR");
  command->add_option("--to", flags->to, "The new store's folder; made")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--model", flags->generator.model,
                   "The new model, as oxbowd takes it")
      ->required()
      ->type_name("PATH");
  AddModelFlags(command, &flags->generator);
  command->add_option("--embedder", flags->embedder, "As oxbowd takes it")
      ->type_name("PATH");
  command
      ->add_option("--embedder-tokenizer", flags->embedder_tokenizer,
                   "As oxbowd takes it")
      ->type_name("KIND");
  command->add_flag("--leave-imported-out", flags->leave_imported_out,
                    "Leave out streams that begin as imported states");
  command->callback([run, flags] {
    *run = [flags](const Session& session) {
      return RunRebuild(*flags, session);
    };
  });
}

}  // namespace oxbow::admin
