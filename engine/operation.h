// A request at work: keeps its stream open and counts against the limit.
#ifndef OXBOW_ENGINE_OPERATION_H_
#define OXBOW_ENGINE_OPERATION_H_

#include <memory>
#include <utility>

#include "engine/engine_context.h"
#include "engine/live_stream.h"
#include "engine/requests.h"

namespace oxbow {

// Engine thread only. Whoever works for the request holds it by shared_ptr.
class Operation {
 public:
  Operation(const EngineContext* context, std::shared_ptr<LiveStream> stream,
            int* running)
      : context_(context), stream_(std::move(stream)), running_(running) {
    ++*running_;
    if (stream_ != nullptr) stream_->Hold();
  }
  ~Operation() {
    --*running_;
    if (stream_ != nullptr) stream_->Release();
  }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  const EngineContext& context() const { return *context_; }
  // Null for a request about no stream.
  const std::shared_ptr<LiveStream>& stream() const { return stream_; }

 private:
  const EngineContext* const context_;
  const std::shared_ptr<LiveStream> stream_;
  int* const running_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_OPERATION_H_
