// Brings a document into a stream exactly once, over connections that break.
#ifndef OXBOW_CLIENTS_CLI_UPLOADER_H_
#define OXBOW_CLIENTS_CLI_UPLOADER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "clients/cli/append_source.h"
#include "clients/cli/connection.h"
#include "clients/cli/patience.h"

namespace oxbow::cli {

// Every chunk is sent with its position and kept until it is durable. After a
// break the new call says what was durable before (less is DataLoss), and all
// kept chunks are sent again: what the server has of them it compares, what it
// lacks it adds. So no byte is lost or comes twice, also when the server
// wrote a chunk and the connection broke before its ack.
//
// Memory: kWindowBytes and a chunk. Thread-compatible; a thread of its own
// reads the acks.
class Uploader {
 public:
  using OnAck = std::function<void(const v1::AppendAck&)>;

  // `expected`: where the head must be at first; nullopt: wherever it is.
  // `on_ack` runs on the reading thread. Borrows connection, source and
  // patience.
  Uploader(Connection* connection, std::string stream_id,
           absl::optional<v1::Position> expected, AppendSource* source,
           Patience* patience, OnAck on_ack);

  // Before Run(): keeps what is sent to so many bytes past what is applied, a
  // chunk more at most. Without it: as much as the server takes.
  void LimitAhead(int64_t bytes) { ahead_bytes_max_ = bytes; }

  // OK once all of the source is durable and applied. Aborted after Cancel().
  absl::Status Run();

  // Ends Run() soon, be it under way or yet to come. Thread-safe.
  void Cancel();

 private:
  using Rpc =
      grpc::ClientReaderWriterInterface<v1::AppendRequest, v1::AppendResponse>;

  absl::Status RunOnce();
  // One call, in a context that Cancel() knows.
  absl::Status RunCall(grpc::ClientContext* context);
  // Everything up to the half-close. OK also if the call ended meanwhile: its
  // own status tells why. Else the client's own fault.
  absl::Status Send(Rpc* rpc);
  absl::Status CheckFirstAck() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool SendPiece(Rpc* rpc, const Piece& piece);
  void ReadAcks(Rpc* rpc);
  void Take(const v1::AppendAck& ack) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasWindow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Connection* const connection_;
  const std::string stream_id_;
  const absl::optional<v1::Position> expected_;
  AppendSource* const source_;
  Patience* const patience_;
  const OnAck on_ack_;
  int64_t ahead_bytes_max_ = std::numeric_limits<int64_t>::max();

  absl::optional<v1::Position> next_;  // where the next new chunk stands
  bool source_at_end_ = false;

  absl::Mutex mu_;
  // Chunks not known to be durable, in order.
  std::deque<std::shared_ptr<const Piece>> kept_ ABSL_GUARDED_BY(mu_);
  int64_t kept_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  absl::optional<v1::AppendAck> newest_ ABSL_GUARDED_BY(mu_);  // of all calls
  bool acked_ ABSL_GUARDED_BY(mu_) = false;  // this call has had an ack
  bool ended_ ABSL_GUARDED_BY(mu_) = false;  // no more acks of this call
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  grpc::ClientContext* running_ ABSL_GUARDED_BY(mu_) = nullptr;
};

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_UPLOADER_H_
