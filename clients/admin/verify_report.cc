#include "clients/admin/verify_report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "clients/cli/status_line.h"

namespace oxbow::admin {
namespace {

constexpr absl::Duration kSilent = absl::Seconds(2);

}  // namespace

absl::StatusOr<VerifyReport> VerifyWithProgress(const std::string& store,
                                                const Session& session) {
  const absl::Time begin = absl::Now();
  cli::StatusLine line(session.err, session.err_is_terminal);
  bool shown = false;
  VerifyOptions options;
  options.store.path = store;
  options.on_progress = [&](const VerifyProgress& progress) {
    const absl::Time now = absl::Now();
    if (now - begin < kSilent) return;
    shown = true;
    line.Show(now, [&progress, &store] {
      return absl::StrFormat("verifying %s: %.1f MB read, now of %s", store,
                             progress.bytes_read / 1e6, progress.part);
    });
  };
  absl::StatusOr<VerifyReport> report = VerifyStore(options);
  if (shown) {
    line.Finish(absl::StrCat("verified ", store, " in ",
                             absl::ToInt64Seconds(absl::Now() - begin), " s"));
  }
  return report;
}

std::string ToText(const VerifyReport& report) {
  return absl::StrCat(
      report.streams, " streams, ", report.log_records, " log records of ",
      report.log_bytes, " bytes, ", report.checkpoints, " checkpoints, ",
      report.embeddings, " embeddings, ", report.others, " other entries",
      report.unowned == 0
          ? ""
          : absl::StrCat(", ", report.unowned, " uids without a stream"),
      report.unknown == 0
          ? ""
          : absl::StrCat(", ", report.unknown,
                         " entries of a later release's kinds, not looked at"));
}

Json ToJson(const VerifyReport& report) {
  Json json;
  json["whole"] = report.whole();
  json["streams"] = report.streams;
  json["unowned"] = report.unowned;
  json["log_records"] = report.log_records;
  json["log_bytes"] = report.log_bytes;
  json["checkpoints"] = report.checkpoints;
  json["embeddings"] = report.embeddings;
  json["others"] = report.others;
  json["unknown"] = report.unknown;
  json["findings_count"] = report.findings_count;
  json["findings"] = report.findings;
  return json;
}

}  // namespace oxbow::admin
