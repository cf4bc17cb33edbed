#include "service/stop_signals.h"

#include <pthread.h>
#include <unistd.h>

#include "base/check.h"

namespace oxbow {

StopSignals::StopSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  // Ours, sent to the thread alone, to end it.
  sigaddset(&signals_, SIGUSR2);
  OXBOW_CHECK(pthread_sigmask(SIG_BLOCK, &signals_, nullptr) == 0);
  thread_ = std::thread([this] { Listen(); });
}

StopSignals::~StopSignals() {
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
}

void StopSignals::Listen() {
  while (true) {
    int signal = 0;
    OXBOW_CHECK(sigwait(&signals_, &signal) == 0);
    if (signal == SIGUSR2) return;
    if (stopped_.HasBeenNotified()) _exit(128 + signal);
    stopped_.Notify();
  }
}

}  // namespace oxbow
