// HAProxy with the configuration that is shipped, in front of a server.
#ifndef OXBOW_TESTS_TESTING_PROXY_PROCESS_H_
#define OXBOW_TESTS_TESTING_PROXY_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace oxbow {

// Thread-compatible. The destructor ends it.
class ProxyProcess {
 public:
  // Runs Debian's haproxy on the runfile service/haproxy.cfg, before the server
  // at that address, and waits until it can be called. NotFound: there is no
  // haproxy.
  static absl::StatusOr<std::unique_ptr<ProxyProcess>> Start(
      const std::string& server_address);
  ~ProxyProcess();

  // "127.0.0.1:PORT".
  const std::string& address() const { return address_; }
  pid_t pid() const { return pid_; }

 private:
  ProxyProcess(pid_t pid, std::string address)
      : pid_(pid), address_(std::move(address)) {}

  const pid_t pid_;
  const std::string address_;
};

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_PROXY_PROCESS_H_
