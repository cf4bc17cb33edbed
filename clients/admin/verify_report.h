// Verifying a store and telling what came out.
#ifndef OXBOW_CLIENTS_ADMIN_VERIFY_REPORT_H_
#define OXBOW_CLIENTS_ADMIN_VERIFY_REPORT_H_

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "clients/admin/command.h"
#include "clients/cli/status_line.h"
#include "store/verify_store.h"

namespace oxbow::admin {

// A line of progress on standard error, once it takes longer than two seconds.
// Thread-compatible; outlives its listener's calls.
class VerifyLine {
 public:
  VerifyLine(std::string store, const Session& session);

  std::function<void(const VerifyProgress&)> listener();
  void Finish();

 private:
  const std::string store_;
  const absl::Time begin_;
  cli::StatusLine line_;
  bool shown_ = false;
};

// "3 streams, 12 log records of 345 bytes, ..."
std::string ToText(const VerifyReport& report);
Json ToJson(const VerifyReport& report);

}  // namespace oxbow::admin

#endif  // OXBOW_CLIENTS_ADMIN_VERIFY_REPORT_H_
