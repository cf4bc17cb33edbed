// Verifying a store and telling what came out.
#ifndef OXBOW_CLIENTS_ADMIN_VERIFY_REPORT_H_
#define OXBOW_CLIENTS_ADMIN_VERIFY_REPORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/admin/command.h"
#include "store/verify_store.h"

namespace oxbow::admin {

// VerifyStore of the folder, with a line of progress on standard error once it
// takes longer than two seconds.
absl::StatusOr<VerifyReport> VerifyWithProgress(const std::string& store,
                                                const Session& session);

// "3 streams, 12 log records of 345 bytes, ..."
std::string ToText(const VerifyReport& report);
Json ToJson(const VerifyReport& report);

}  // namespace oxbow::admin

#endif  // OXBOW_CLIENTS_ADMIN_VERIFY_REPORT_H_
