#include "service/read_embeddings_call.h"

#include <utility>

#include "base/status_macros.h"
#include "service/from_proto.h"
#include "service/message_bytes.h"
#include "service/to_proto.h"

namespace oxbow {

ReadEmbeddingsCall::ReadEmbeddingsCall(Engine* engine, CallSlots* slots,
                                       const CallTime& time,
                                       const grpc::ByteBuffer& bytes)
    : PageCall(time), engine_(engine) {
  Begin(Open(slots, bytes));
}

absl::Status ReadEmbeddingsCall::Open(CallSlots* slots,
                                      const grpc::ByteBuffer& bytes) {
  v1::ReadEmbeddingsRequest message;
  RETURN_IF_ERROR(ParseMessage(bytes, &message));
  ASSIGN_OR_RETURN(request_, FromProto(message));
  if (message.has_to_token()) to_token_ = message.to_token();
  request_.cancelled = cancelled();
  ASSIGN_OR_RETURN(slot_, slots->Take());
  return absl::OkStatus();
}

void ReadEmbeddingsCall::Ask(Callback<ReadEmbeddingsReply> done) {
  engine_->ReadEmbeddings(request_, std::move(done));
}

ReadEmbeddingsCall::Step ReadEmbeddingsCall::Take(ReadEmbeddingsReply page) {
  v1::ReadEmbeddingsResponse message;
  Step step;
  step.is_last = page.at_end && !request_.follow;
  for (const TimelineEntry& entry : page.entries) {
    if (to_token_.has_value() && entry.record.token_begin >= *to_token_) {
      step.is_last = true;
      break;
    }
    // The open span is the last there is.
    if (entry.partial) step.is_last = true;
    request_.from_token = entry.record.token_end;
    *message.add_entries() = ToProto(entry);
  }
  *message.mutable_applied() = ToProto(page.applied);
  message.set_raw(page.raw);
  // While it follows, a page without entries says nothing; else the message
  // tells how far the stream was applied.
  if (message.entries_size() > 0 || step.is_last) {
    step.message = SerializeMessage(message);
  }
  return step;
}

}  // namespace oxbow
