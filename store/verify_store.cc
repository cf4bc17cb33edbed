#include "store/verify_store.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "base/status_macros.h"
#include "store/open_rocks_db.h"
#include "store/rocks_status.h"
#include "store/verify_data.h"
#include "store/verify_meta.h"
#include "store/verify_pass.h"

namespace oxbow {
namespace {

// Looks at a store in use before giving up: each sees other files replaced.
constexpr int kLooksMax = 5;

void VerifyEnd(uint64_t acknowledged, VerifyPass* pass) {
  const uint64_t newest = pass->db().raw().GetLatestSequenceNumber();
  if (newest >= acknowledged) return;
  pass->Find(absl::StrCat("The store ends at change ", newest, ", but change ",
                          acknowledged,
                          " was acknowledged: writes are missing."));
}

void VerifyFiles(VerifyPass* pass) {
  pass->FindError(
      "RocksDB's own files",
      FromRocks(pass->db().raw().VerifyFileChecksums(rocksdb::ReadOptions()),
                "Comparing their checksums"));
}

// Errors that say nothing of the store's contents.
bool IsNoFinding(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsFailedPrecondition(status) ||
         absl::IsPermissionDenied(status) || absl::IsResourceExhausted(status);
}

absl::StatusOr<VerifyReport> LookOnce(const VerifyOptions& options) {
  VerifyReport report;
  // Before the store is opened, so that it can only be older.
  const uint64_t acknowledged = AcknowledgedChange(options.store);
  absl::StatusOr<std::unique_ptr<RocksDb>> db =
      OpenRocksDbToRead(options.store);
  VerifyPass pass(db.ok() ? db->get() : nullptr, options, &report);
  if (!db.ok()) {
    if (IsNoFinding(db.status())) return db.status();
    pass.Find(std::string(db.status().message()));
    return report;
  }
  VerifyEnd(acknowledged, &pass);
  VerifyMeta(&pass);
  VerifyLogs(&pass);
  VerifyAncestry(&pass);
  VerifyCheckpoints(&pass);
  VerifyEmbeddings(&pass);
  VerifyFiles(&pass);
  return report;
}

bool Agree(const VerifyReport& before, const VerifyReport& now) {
  return std::all_of(now.findings.begin(), now.findings.end(),
                     [&before](const std::string& finding) {
                       return std::count(before.findings.begin(),
                                         before.findings.end(), finding) > 0;
                     });
}

}  // namespace

absl::StatusOr<VerifyReport> VerifyStore(const VerifyOptions& options) {
  absl::optional<VerifyReport> before;
  for (int look = 0; look < kLooksMax; ++look) {
    ASSIGN_OR_RETURN(VerifyReport report, LookOnce(options));
    if (report.whole() || (before && Agree(*before, report))) return report;
    before = std::move(report);
  }
  return absl::UnavailableError(absl::StrCat(
      "The store ", options.store.path,
      " is in use and changed its files under each look: try again, or back "
      "it up and verify the backup. The last look said: ",
      before->findings.front()));
}

}  // namespace oxbow
