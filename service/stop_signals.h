// SIGTERM and SIGINT as a thread's news, not as a handler's.
#ifndef OXBOW_SERVICE_STOP_SIGNALS_H_
#define OXBOW_SERVICE_STOP_SIGNALS_H_

#include <csignal>
#include <thread>

#include "absl/synchronization/notification.h"

namespace oxbow {

// Takes the signals of the whole process on a thread of its own, so that
// nothing runs inside a signal handler. Make it before any other thread: they
// inherit the mask. The second signal ends the process at once, with 128 and
// the signal's number, as a shell would say it.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();

  // Returns when the first signal has come.
  void Wait() { stopped_.WaitForNotification(); }

 private:
  void Listen();

  sigset_t signals_;
  absl::Notification stopped_;
  std::thread thread_;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_STOP_SIGNALS_H_
