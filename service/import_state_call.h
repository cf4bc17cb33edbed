// One ImportState call.
#ifndef OXBOW_SERVICE_IMPORT_STATE_CALL_H_
#define OXBOW_SERVICE_IMPORT_STATE_CALL_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "engine/engine.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "oxbow/v1/streams.pb.h"
#include "service/call_slots.h"
#include "service/call_time.h"
#include "service/from_proto.h"

namespace oxbow {

// Gathers the file, never more of it than a state of this model takes, and
// gives it to the engine when the client has sent its last. Reads and the
// engine's answer never overlap, so no lock is needed. A client that stops
// sending for ServerLimits::stall_max is told so.
//
// Owned by gRPC from construction; deletes itself in OnDone().
class ImportStateCall final : public grpc::ServerReadReactor<grpc::ByteBuffer> {
 public:
  // Borrows all but the response, which is gRPC's until OnDone().
  ImportStateCall(Engine* engine, const RequestRules* rules,
                  CallSlots* transfers, const CallTime& time,
                  grpc::ByteBuffer* response);

 private:
  void OnReadDone(bool ok) override;
  void OnDone() override { delete this; }

  void ReadNext();
  // The next message is late: ends the call.
  void OnLate();
  absl::Status TakeMessage();
  absl::Status Open(const v1::CreateStreamRequest& message);
  // All is here: asks the engine, which finishes the call.
  void Import();

  Engine* const engine_;
  const RequestRules* const rules_;
  CallSlots* const transfers_;
  const ServerLimits* const limits_;
  grpc::ByteBuffer* const response_;
  const size_t file_bytes_max_;
  grpc::ByteBuffer read_;  // the read in flight
  CallSlots::Slot slot_;   // held once the call was opened
  ImportStateRequest request_;
  CallTimer timer_;  // of the read in flight
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_IMPORT_STATE_CALL_H_
