// One Append call: read a chunk, hand it to the engine, read the next; acks
// go back as they come, only the newest.
#ifndef OXBOW_SERVICE_APPEND_CALL_H_
#define OXBOW_SERVICE_APPEND_CALL_H_

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

namespace oxbow {

// A message is read only after the session's OnReady, so a slow engine stops
// the reads and HTTP/2's flow control stops the client. Acks never stop the
// reads: while one is written, newer ones replace each other.
//
// While it waits for a message, ServerLimits::first_message_max or
// idle_append_max counts; once the session is over, stall_max.
//
// Owned by gRPC from construction; deletes itself in OnDone(). It finishes
// only after the session's OnDone, so the session never outlives its
// observer. No lock is held across a call of gRPC or of the session.
class AppendCall
    : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
      private AppendSession::Observer {
 public:
  // Borrows all, which must outlive the server's calls.
  AppendCall(Engine* engine, const RequestRules* rules, const CallTime& time);

 private:
  // gRPC's side.
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { delete this; }

  // The session's side; on the engine's or the log's thread.
  void OnAck(const AppendAck& ack) override;
  void OnReady() override;
  void OnDone(const absl::Status& status, const AppendAck& last) override;

  void ReadNext(absl::Duration limit);
  absl::Status Open(const v1::AppendRequest& message);
  absl::Status TakeChunk(const v1::AppendRequest& message);
  void OnHalfClose();
  // Ends the call with `status`; through the session if there is one.
  void Refuse(const absl::Status& status);
  // Writes the newest ack, or finishes if the end has come; one thing at a
  // time. The call may be gone when it returns.
  void Advance();
  std::shared_ptr<AppendSession> session();

  Engine* const engine_;
  const RequestRules* const rules_;
  const ServerLimits* const limits_;

  grpc::ByteBuffer request_;   // the read in flight
  grpc::ByteBuffer response_;  // the write in flight
  bool opened_ = false;        // the reads' own

  absl::Mutex mu_;
  std::shared_ptr<AppendSession> session_ ABSL_GUARDED_BY(mu_);
  // OnReady came before the session was stored.
  bool ready_early_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  absl::optional<AppendAck> ack_ ABSL_GUARDED_BY(mu_);  // not yet written
  absl::Status refused_ ABSL_GUARDED_BY(mu_);  // why we ended the session
  absl::optional<absl::Status> ended_ ABSL_GUARDED_BY(mu_);

  CallTimer read_timer_;  // of the read in flight
  CallTimer end_timer_;   // from the session's end to the call's
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_APPEND_CALL_H_
