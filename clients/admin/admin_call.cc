#include "clients/admin/admin_call.h"

#include "absl/strings/str_cat.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace oxbow::admin {
namespace {

constexpr absl::Duration kSilent = absl::Seconds(2);
constexpr absl::Duration kTick = absl::Milliseconds(100);

}  // namespace

std::unique_ptr<v1::Admin::Stub> Connect(const std::string& server) {
  return v1::Admin::NewStub(
      grpc::CreateChannel(server, grpc::InsecureChannelCredentials()));
}

void WaitWithProgress(const std::string& doing, absl::Notification* done,
                      const Session& session) {
  const absl::Time begin = absl::Now();
  const auto line_of = [&doing, begin] {
    return absl::StrCat(doing, ": ", absl::ToInt64Seconds(absl::Now() - begin),
                        " s");
  };
  if (done->WaitForNotificationWithTimeout(kSilent)) return;
  cli::StatusLine line(session.err, session.err_is_terminal);
  while (!done->WaitForNotificationWithTimeout(kTick)) {
    line.Show(absl::Now(), line_of);
  }
  line.Finish(line_of());
}

}  // namespace oxbow::admin
