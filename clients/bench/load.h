// Users who do one thing without pause, and what they feel.
#ifndef OXBOW_CLIENTS_BENCH_LOAD_H_
#define OXBOW_CLIENTS_BENCH_LOAD_H_

#include "absl/status/status.h"

namespace oxbow::bench {

// Each stream has a connection and threads of its own. In order: Start, once
// Warm() BeginWindow, EndWindow, Stop. One thread calls; the destructor stops.
class Load {
 public:
  virtual ~Load() = default;

  // Makes the streams and starts their threads.
  virtual absl::Status Start() = 0;
  // Every stream has had something of the server.
  virtual bool Warm() = 0;
  // Between these two it is measured.
  virtual void BeginWindow() = 0;
  virtual void EndWindow() = 0;
  // The first call that failed; OK: none.
  virtual absl::Status fault() const = 0;
  virtual void Stop() = 0;
};

}  // namespace oxbow::bench

#endif  // OXBOW_CLIENTS_BENCH_LOAD_H_
