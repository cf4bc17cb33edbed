// One ReadText call.
#ifndef OXBOW_SERVICE_READ_TEXT_CALL_H_
#define OXBOW_SERVICE_READ_TEXT_CALL_H_

#include "engine/engine.h"
#include "service/call_slots.h"
#include "service/call_time.h"
#include "service/page_call.h"

namespace oxbow {

// Streams a span in pieces. Without an end it ends at the durable end that
// the first piece saw, so that a stream that grows does not keep it going.
class ReadTextCall final : public PageCall<ReadTextReply> {
 public:
  // Borrows engine and slots, which must outlive the server's calls.
  ReadTextCall(Engine* engine, CallSlots* slots, const CallTime& time,
               const grpc::ByteBuffer& bytes);

 private:
  absl::Status Open(CallSlots* slots, const grpc::ByteBuffer& bytes);
  void Ask(Callback<ReadTextReply> done) override;
  Step Take(ReadTextReply page) override;

  Engine* const engine_;
  ReadTextRequest request_;
  CallSlots::Slot slot_;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_READ_TEXT_CALL_H_
