// One server-streaming call that is read in pages: ask the engine for a page,
// write it, ask for the next.
#ifndef OXBOW_SERVICE_PAGE_CALL_H_
#define OXBOW_SERVICE_PAGE_CALL_H_

#include <atomic>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "engine/engine.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "service/call_time.h"
#include "service/message_bytes.h"
#include "service/to_grpc_status.h"

namespace oxbow {

// At any time either one page is asked for or one write is in flight, never
// both: so a client that does not read costs one page of memory, and no lock
// is needed. Finishes only when neither is. A client that takes no message for
// ServerLimits::stall_max is cut off.
//
// Owned by gRPC from construction; deletes itself in OnDone().
template <typename Page>
class PageCall : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 protected:
  struct Step {
    absl::optional<grpc::ByteBuffer> message;  // none: nothing to write
    bool is_last = false;
  };

  explicit PageCall(const CallTime& time)
      : cancelled_(std::make_shared<std::atomic<bool>>(false)),
        stall_max_(time.limits->stall_max),
        stall_(time.timers,
               [time] { Cut(time.context, ReaderStalled(*time.limits)); }) {}

  // Asks the engine for the next page; `done` comes exactly once.
  virtual void Ask(Callback<Page> done) = 0;
  // What follows from a page.
  virtual Step Take(Page page) = 0;

  const CancelFlag& cancelled() const { return cancelled_; }

  // Call once, last in the constructor of the final class: begins, or ends
  // at once with an error.
  void Begin(const absl::Status& status) {
    if (!status.ok()) return Finish(ToGrpcStatus(status));
    AskNext();
  }

 private:
  void AskNext() {
    Ask([this](absl::StatusOr<Page> page) { OnPage(std::move(page)); });
  }

  void OnPage(absl::StatusOr<Page> page) {
    if (!page.ok()) return Finish(ToGrpcStatus(page.status()));
    Step step = Take(*std::move(page));
    is_last_ = step.is_last;
    if (!step.message.has_value()) return AfterWrite();
    response_ = *std::move(step.message);
    stall_.Start(stall_max_);
    StartWrite(&response_);
  }

  void OnWriteDone(bool ok) override {
    stall_.Stop();
    if (!ok) *cancelled_ = true;
    AfterWrite();
  }

  void AfterWrite() {
    if (*cancelled_) {
      return Finish(ToGrpcStatus(absl::CancelledError("the client is gone")));
    }
    if (is_last_) return Finish(grpc::Status::OK);
    AskNext();
  }

  void OnCancel() override { *cancelled_ = true; }
  void OnDone() override { delete this; }

  const CancelFlag cancelled_;
  const absl::Duration stall_max_;
  grpc::ByteBuffer response_;  // the write in flight
  bool is_last_ = false;
  CallTimer stall_;  // of that write
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_PAGE_CALL_H_
