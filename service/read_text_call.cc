#include "service/read_text_call.h"

#include <utility>

#include "base/status_macros.h"
#include "oxbow/v1/streams.pb.h"
#include "service/from_proto.h"
#include "service/message_bytes.h"

namespace oxbow {

ReadTextCall::ReadTextCall(Engine* engine, CallSlots* slots,
                           const CallTime& time, const grpc::ByteBuffer& bytes)
    : PageCall(time), engine_(engine) {
  Begin(Open(slots, bytes));
}

absl::Status ReadTextCall::Open(CallSlots* slots,
                                const grpc::ByteBuffer& bytes) {
  v1::ReadTextRequest message;
  RETURN_IF_ERROR(ParseMessage(bytes, &message));
  ASSIGN_OR_RETURN(request_, FromProto(message));
  ASSIGN_OR_RETURN(slot_, slots->Take());
  return absl::OkStatus();
}

void ReadTextCall::Ask(Callback<ReadTextReply> done) {
  engine_->ReadText(request_, std::move(done));
}

ReadTextCall::Step ReadTextCall::Take(ReadTextReply page) {
  if (!request_.to_byte.has_value()) request_.to_byte = page.durable;
  request_.from_byte = page.byte_offset + page.text.size();
  Step step;
  // An empty piece ends it too: otherwise a span that cannot be filled would
  // be asked for for ever.
  step.is_last = page.text.empty() || request_.from_byte >= *request_.to_byte;
  v1::ReadTextResponse message;
  message.set_byte_offset(page.byte_offset);
  message.set_durable(page.durable);
  *message.mutable_text() = std::move(page.text);
  step.message = SerializeMessage(message);
  return step;
}

}  // namespace oxbow
