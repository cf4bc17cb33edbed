#include "clients/admin/verify_report.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace oxbow::admin {
namespace {

constexpr absl::Duration kSilent = absl::Seconds(2);

}  // namespace

VerifyLine::VerifyLine(std::string store, const Session& session)
    : store_(std::move(store)),
      begin_(absl::Now()),
      line_(session.err, session.err_is_terminal) {}

std::function<void(const VerifyProgress&)> VerifyLine::listener() {
  return [this](const VerifyProgress& progress) {
    const absl::Time now = absl::Now();
    if (now - begin_ < kSilent) return;
    shown_ = true;
    line_.Show(now, [this, &progress] {
      return absl::StrFormat("verifying %s: %.1f MB read, now of %s", store_,
                             progress.bytes_read / 1e6, progress.part);
    });
  };
}

void VerifyLine::Finish() {
  if (!shown_) return;
  line_.Finish(absl::StrCat("verified ", store_, " in ",
                            absl::ToInt64Seconds(absl::Now() - begin_), " s"));
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
