// A real oxbowd in a process of its own, to be killed.
#ifndef OXBOW_TESTS_TESTING_SERVER_PROCESS_H_
#define OXBOW_TESTS_TESTING_SERVER_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace oxbow {

// Thread-compatible. The destructor kills what still runs.
class ServerProcess {
 public:
  // Starts the binary (a runfile, "service/oxbowd") with --listen=127.0.0.1:0
  // and `flags`, and waits until it says where it listens.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(
      const std::vector<std::string>& flags);
  ~ServerProcess();

  // "127.0.0.1:PORT".
  const std::string& address() const { return address_; }
  pid_t pid() const { return pid_; }
  // kill -9, and waits until it is gone.
  void Kill();
  // SIGTERM, and waits; the exit code, or minus the signal that ended it.
  int Terminate();

 private:
  ServerProcess(pid_t pid, std::string address)
      : pid_(pid), address_(std::move(address)) {}
  int Wait();

  pid_t pid_;
  std::string address_;
};

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_SERVER_PROCESS_H_
