// A thread for answers, so that the engine's thread never writes to a socket.
#ifndef OXBOW_SERVICE_SEND_THREAD_H_
#define OXBOW_SERVICE_SEND_THREAD_H_

#include <functional>
#include <thread>

#include "engine/inbox.h"

namespace oxbow {

// Runs what it is given, in that order, soon. gRPC sends on the thread that
// starts a write, which takes as long as a small model's step for a few
// streams: the engine computes the next tokens meanwhile.
//
// Thread-safe. Who posts sees to it that no more waits than calls are open.
// The destructor runs what was posted before it.
class SendThread {
 public:
  SendThread();
  ~SendThread();

  void Post(std::function<void()> work) { inbox_.Post(std::move(work)); }

 private:
  void Loop();

  Inbox inbox_;
  bool stopping_ = false;  // of the thread
  std::thread thread_;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_SEND_THREAD_H_
