// One Generate call: tokens of the engine, queued to the client.
#ifndef OXBOW_SERVICE_GENERATE_CALL_H_
#define OXBOW_SERVICE_GENERATE_CALL_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "engine/engine.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "service/call_time.h"
#include "service/from_proto.h"
#include "service/send_thread.h"

namespace oxbow {

// Tokens wait in a queue, since a client that reads slowly must not stop the
// batch its tokens are computed in; past kUnreadBytesMax and
// kUnreadBytesOfCallMax the call ends. A client that takes none for
// ServerLimits::stall_max is cut off; after ServerLimits::request_max the rest
// is not generated.
//
// Owned by gRPC from construction; deletes itself in OnDone(). It finishes
// only after the engine's OnDone and after what it posted to the sender, once
// at a time, has run. No lock is held across a call of gRPC.
class GenerateCall : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                     private GenerateObserver {
 public:
  // Borrows all, which must outlive the server's calls. `unread` counts the
  // bytes of all such calls that wait.
  GenerateCall(Engine* engine, const RequestRules* rules, SendThread* sender,
               std::atomic<int64_t>* unread, const CallTime& time,
               const grpc::ByteBuffer& request);

 private:
  // gRPC's side.
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { delete this; }

  // The engine's side, on its thread.
  void OnStart(const Point& point) override;
  void OnToken(const GeneratedToken& token) override;
  void OnBranch(const FinishedBranch& branch) override;
  void OnDone(const absl::Status& status) override;

  absl::Status Start(Engine* engine, const RequestRules& rules,
                     const grpc::ByteBuffer& bytes);
  void Push(const v1::GenerateResponse& message);
  // A message came into the queue, or, below zero, went.
  void CountQueued(int64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropQueue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status WhyStalled();
  // What the client is told, the engine having ended with `status`.
  absl::Status Verdict(const absl::Status& status) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // Lets the sender advance the call, unless something else will.
  void PostAdvance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes the next message, or finishes if the end has come. The call may be
  // gone when it returns.
  void Advance();

  SendThread* const sender_;
  std::atomic<int64_t>* const unread_;
  const ServerLimits* const limits_;
  const CancelFlag cancelled_;
  std::atomic<bool> is_late_{false};
  grpc::ByteBuffer response_;  // the write in flight

  absl::Mutex mu_;
  std::deque<grpc::ByteBuffer> queue_ ABSL_GUARDED_BY(mu_);
  int64_t queued_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  bool is_unread_ ABSL_GUARDED_BY(mu_) = false;  // too much was queued
  bool posted_ ABSL_GUARDED_BY(mu_) = false;     // the sender will advance it
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  absl::optional<absl::Status> ended_ ABSL_GUARDED_BY(mu_);

  CallTimer stall_;  // of the write in flight
  CallTimer whole_;  // of the call
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_GENERATE_CALL_H_
