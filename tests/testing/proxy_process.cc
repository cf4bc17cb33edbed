#include "tests/testing/proxy_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "tests/testing/raw_http2.h"

namespace oxbow {
namespace {

constexpr char kBinary[] = "/usr/sbin/haproxy";
constexpr char kConfiguration[] = "service/haproxy.cfg";

// One that nobody listens on.
int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in any = {};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(any);
  auto* address = reinterpret_cast<sockaddr*>(&any);
  OXBOW_CHECK(bind(fd, address, size) == 0);
  OXBOW_CHECK(getsockname(fd, address, &size) == 0);
  close(fd);
  return ntohs(any.sin_port);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ProxyProcess>> ProxyProcess::Start(
    const std::string& server_address) {
  if (access(kBinary, X_OK) != 0) {
    return absl::NotFoundError(
        absl::StrCat(kBinary, " is missing: ./dev setup installs it"));
  }
  const std::string address = absl::StrCat("127.0.0.1:", FreePort());
  const pid_t pid = fork();
  if (pid < 0) return absl::InternalError("no process");
  if (pid == 0) {
    setenv("OXBOW_PROXY_LISTEN", address.c_str(), 1);
    setenv("OXBOW_SERVER", server_address.c_str(), 1);
    execl(kBinary, kBinary, "-db", "-f", kConfiguration, nullptr);
    _exit(127);
  }
  std::unique_ptr<ProxyProcess> proxy(new ProxyProcess(pid, address));
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (!RawHttp2::Connect(address).ok()) {
    if (absl::Now() > deadline || kill(pid, 0) != 0) {
      return absl::UnavailableError("haproxy does not listen");
    }
    absl::SleepFor(absl::Milliseconds(10));
  }
  return proxy;
}

ProxyProcess::~ProxyProcess() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

}  // namespace oxbow
