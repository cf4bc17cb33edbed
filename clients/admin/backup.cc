// backup and backups: copies of a store, made and listed.
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "clients/admin/admin_call.h"
#include "clients/admin/command.h"
#include "clients/cli/call_status.h"
#include "google/protobuf/util/time_util.h"
#include "store/backup_folder.h"
#include "store/rocks_store.h"

namespace oxbow::admin {
namespace {

constexpr int kKeepMax = 1000000;

constexpr char kFooter[] =
    "\nOf a running server (--server), the backup goes into the folder the "
    "server was\nstarted with (oxbowd --admin-listen=HOST:PORT "
    "--backup-dir=DIR); whatever it had\nacknowledged before is in it, and it "
    "goes on serving. Of a store that no server\nhas open (--store), into "
    "--backup-dir. Files that an earlier backup has are not\ncopied again. "
    "One folder is for the backups of one store.\n"
    "\nA backup that was never restored is a hope: oxbow-admin restore makes "
    "it a store\nelsewhere and verifies all of it.\n"
    "\nExamples:\n"
    "  oxbow-admin backup --server=127.0.0.1:7008 --keep=7\n"
    "  oxbow-admin backup --store=/var/lib/oxbow --backup-dir=/mnt/oxbow\n";

struct Flags {
  std::string server;
  std::string store;
  std::string backups;
  int keep = 0;
};

void Show(const BackupInfo& info, const Session& session) {
  const std::string made =
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", info.made, absl::UTCTimeZone());
  if (session.json) {
    Json json;
    json["backup"] = info.id;
    json["made"] = made;
    json["bytes"] = info.bytes;
    json["change"] = info.change;
    return session.Print(json);
  }
  *session.out << "backup " << info.id << " of " << made << ", " << info.bytes
               << " bytes, up to change " << info.change << std::endl;
}

BackupInfo FromProto(const v1::Backup& proto) {
  BackupInfo info;
  info.id = proto.id();
  info.made = absl::FromUnixNanos(
      google::protobuf::util::TimeUtil::TimestampToNanoseconds(proto.made()));
  info.bytes = proto.bytes();
  info.change = proto.change();
  return info;
}

absl::StatusOr<BackupInfo> BackUpStore(const Flags& flags) {
  RocksStoreOptions options;
  options.path = flags.store;
  options.create_if_missing = false;
  ASSIGN_OR_RETURN(const std::unique_ptr<DiskStore> store,
                   OpenRocksStore(options));
  ASSIGN_OR_RETURN(const std::unique_ptr<BackupFolder> folder,
                   BackupFolder::Open(flags.backups));
  ASSIGN_OR_RETURN(const BackupInfo info, store->BackUp(folder.get()));
  if (flags.keep > 0) RETURN_IF_ERROR(folder->KeepNewest(flags.keep));
  return info;
}

absl::Status Backup(const Flags& flags, const Session& session) {
  if (!flags.server.empty()) {
    v1::BackupRequest request;
    request.set_keep(flags.keep);
    ASSIGN_OR_RETURN(
        const v1::BackupResponse response,
        CallAdmin(flags.server, &v1::Admin::Stub::async::Backup, request,
                  absl::StrCat(flags.server, " backs up"), session));
    Show(FromProto(response.backup()), session);
    return absl::OkStatus();
  }
  absl::StatusOr<BackupInfo> info = absl::UnknownError("not made yet");
  absl::Notification done;
  std::thread maker([&flags, &info, &done] {
    info = BackUpStore(flags);
    done.Notify();
  });
  WaitWithProgress(absl::StrCat("backing up ", flags.store), &done, session);
  maker.join();
  if (!info.ok()) return StoreFault(info.status());
  Show(*info, session);
  return absl::OkStatus();
}

absl::Status List(const Flags& flags, const Session& session) {
  std::vector<BackupInfo> list;
  if (!flags.server.empty()) {
    ASSIGN_OR_RETURN(
        const v1::ListBackupsResponse response,
        CallAdmin(flags.server, &v1::Admin::Stub::async::ListBackups,
                  v1::ListBackupsRequest(),
                  absl::StrCat("asking ", flags.server), session));
    for (const v1::Backup& backup : response.backups()) {
      list.push_back(FromProto(backup));
    }
  } else {
    absl::StatusOr<std::vector<BackupInfo>> found = ListBackups(flags.backups);
    if (!found.ok()) return StoreFault(found.status());
    list = *std::move(found);
  }
  for (const BackupInfo& info : list) Show(info, session);
  return absl::OkStatus();
}

}  // namespace

void AddBackup(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "backup", "Back a store up, of a running server or of none");
  command->footer(kFooter);
  auto flags = std::make_shared<Flags>();
  AddServer(command, &flags->server)
      ->excludes(
          command->add_option("--store", flags->store, "The store's folder")
              ->type_name("DIR")
              ->needs(command
                          ->add_option("--backup-dir", flags->backups,
                                       "The folder of backups; made if need be")
                          ->type_name("DIR")));
  command
      ->add_option("--keep", flags->keep,
                   "Keep so many of the newest backups and remove the others. "
                   "0: keep all")
      ->check(CLI::Range(0, kKeepMax))
      ->capture_default_str();
  command->callback([run, flags] {
    CheckEither(!flags->server.empty(), !flags->store.empty(), "--store");
    *run = [flags](const Session& session) { return Backup(*flags, session); };
  });
}

void AddBackups(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand("backups", "List the backups, by id");
  auto flags = std::make_shared<Flags>();
  AddServer(command, &flags->server)
      ->excludes(command
                     ->add_option("--backup-dir", flags->backups,
                                  "The folder of backups")
                     ->type_name("DIR"));
  command->callback([run, flags] {
    CheckEither(!flags->server.empty(), !flags->backups.empty(),
                "--backup-dir");
    *run = [flags](const Session& session) { return List(*flags, session); };
  });
}

}  // namespace oxbow::admin
