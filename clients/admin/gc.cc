// gc: removes what no stream can reach, or tells what that would be.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "clients/admin/admin_call.h"
#include "clients/admin/command.h"
#include "service/sweep_to_proto.h"
#include "store/plan_sweep.h"
#include "store/rocks_store.h"

namespace oxbow::admin {
namespace {

constexpr char kFooter[] =
    "\nRemoves expired streams, and the logs, states and embeddings of deleted "
    "ones that\nno fork reads. A server does so by itself every ten minutes; "
    "this is for wanting it\nnow, or for seeing what it will be. With "
    "--dry-run, --store may be in use; without,\nit must not.\n"
    "\nExamples:\n"
    "  oxbow-admin gc --server=127.0.0.1:7008 --dry-run\n"
    "  oxbow-admin gc --store=/var/lib/oxbow\n";

struct Flags {
  std::string server;
  std::string store;
  bool dry_run = false;
};

absl::StatusOr<v1::SweepResponse> SweepStore(const Flags& flags) {
  RocksStoreOptions options;
  options.path = flags.store;
  options.create_if_missing = false;
  const absl::Time now = absl::Now();
  if (flags.dry_run) {
    ASSIGN_OR_RETURN(const SweepPlan plan, PlanSweepOf(options, now));
    return SweepToProto(plan);
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<DiskStore> store,
                   OpenRocksStore(options));
  ASSIGN_OR_RETURN(const SweepPlan plan, store->PlanSweep(now));
  v1::SweepResponse response = SweepToProto(plan);
  ASSIGN_OR_RETURN(const int removed, store->Sweep(now));
  response.set_removed_uids(removed);
  return response;
}

void Show(const v1::SweepResponse& swept, bool dry_run,
          const Session& session) {
  if (session.json) {
    Json json;
    json["dry_run"] = dry_run;
    json["expired_streams"] = swept.expired_streams();
    json["expired_names"] = Json::array();
    for (const std::string& name : swept.expired_names()) {
      json["expired_names"].push_back(name);
    }
    json["removed_uids"] = swept.removed_uids();
    json["uids"] = Json::array();
    for (const uint64_t uid : swept.uids()) json["uids"].push_back(uid);
    json["bytes"] = swept.bytes();
    return session.Print(json);
  }
  for (const std::string& name : swept.expired_names()) {
    *session.out << (dry_run ? "expired: " : "removed: ") << name << "\n";
  }
  *session.out << (dry_run ? "would remove " : "removed ")
               << swept.expired_streams() << " expired streams and the data of "
               << swept.removed_uids() << " uids, about " << swept.bytes()
               << " bytes" << std::endl;
}

absl::Status Gc(const Flags& flags, const Session& session) {
  absl::StatusOr<v1::SweepResponse> swept = absl::UnknownError("not done yet");
  if (flags.server.empty()) {
    swept = SweepStore(flags);
    if (!swept.ok()) return StoreFault(swept.status());
  } else {
    v1::SweepRequest request;
    request.set_dry_run(flags.dry_run);
    swept = CallAdmin(flags.server, &v1::Admin::Stub::async::Sweep, request,
                      absl::StrCat(flags.server, " sweeps"), session);
    RETURN_IF_ERROR(swept.status());
  }
  Show(*swept, flags.dry_run, session);
  return absl::OkStatus();
}

}  // namespace

void AddGc(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "gc", "Remove what no stream can reach, or tell what that would be");
  command->footer(kFooter);
  auto flags = std::make_shared<Flags>();
  AddServer(command, &flags->server)
      ->excludes(
          command->add_option("--store", flags->store, "The store's folder")
              ->type_name("DIR"));
  command->add_flag("--dry-run", flags->dry_run, "Remove nothing, only tell");
  command->callback([run, flags] {
    CheckEither(!flags->server.empty(), !flags->store.empty(), "--store");
    *run = [flags](const Session& session) { return Gc(*flags, session); };
  });
}

}  // namespace oxbow::admin
