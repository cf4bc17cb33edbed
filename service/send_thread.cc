#include "service/send_thread.h"

#include "absl/time/time.h"

namespace oxbow {

SendThread::SendThread() : thread_([this] { Loop(); }) {}

SendThread::~SendThread() {
  Post([this] { stopping_ = true; });
  thread_.join();
}

void SendThread::Loop() {
  while (!stopping_) {
    for (const std::function<void()>& work :
         inbox_.Take(absl::InfiniteDuration())) {
      work();
    }
  }
}

}  // namespace oxbow
