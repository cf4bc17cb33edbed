#include "service/export_state_call.h"

#include <utility>

#include "base/status_macros.h"
#include "oxbow/v1/streams.pb.h"
#include "service/from_proto.h"
#include "service/message_bytes.h"

namespace oxbow {
namespace {

constexpr size_t kPieceBytes = 1 << 20;

}  // namespace

ExportStateCall::ExportStateCall(Engine* engine, CallSlots* transfers,
                                 const CallTime& time,
                                 const grpc::ByteBuffer& bytes)
    : PageCall(time), engine_(engine) {
  Begin(Open(transfers, bytes));
}

absl::Status ExportStateCall::Open(CallSlots* transfers,
                                   const grpc::ByteBuffer& bytes) {
  v1::ExportStateRequest message;
  RETURN_IF_ERROR(ParseMessage(bytes, &message));
  ASSIGN_OR_RETURN(request_, FromProto(message));
  ASSIGN_OR_RETURN(slot_, transfers->Take());
  return absl::OkStatus();
}

void ExportStateCall::Ask(Callback<std::string> done) {
  if (sent_ > 0) return done(std::string());
  engine_->ExportState(request_, std::move(done));
}

ExportStateCall::Step ExportStateCall::Take(std::string file) {
  if (sent_ == 0) file_ = std::move(file);
  v1::ExportStateResponse message;
  message.set_data(file_.substr(sent_, kPieceBytes));
  sent_ += message.data().size();
  Step step;
  step.message = SerializeMessage(message);
  step.is_last = sent_ == file_.size();
  return step;
}

}  // namespace oxbow
