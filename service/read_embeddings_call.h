// One ReadEmbeddings call.
#ifndef OXBOW_SERVICE_READ_EMBEDDINGS_CALL_H_
#define OXBOW_SERVICE_READ_EMBEDDINGS_CALL_H_

#include "absl/types/optional.h"
#include "engine/engine.h"
#include "oxbow/v1/streams.pb.h"
#include "service/call_slots.h"
#include "service/call_time.h"
#include "service/page_call.h"

namespace oxbow {

// Streams a timeline. Ends at `to_token`, or at the last entry unless it is
// to follow.
class ReadEmbeddingsCall final : public PageCall<ReadEmbeddingsReply> {
 public:
  // Borrows engine and slots, which must outlive the server's calls.
  ReadEmbeddingsCall(Engine* engine, CallSlots* slots, const CallTime& time,
                     const grpc::ByteBuffer& bytes);

 private:
  absl::Status Open(CallSlots* slots, const grpc::ByteBuffer& bytes);
  void Ask(Callback<ReadEmbeddingsReply> done) override;
  Step Take(ReadEmbeddingsReply page) override;

  Engine* const engine_;
  ReadEmbeddingsRequest request_;
  absl::optional<uint64_t> to_token_;
  CallSlots::Slot slot_;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_READ_EMBEDDINGS_CALL_H_
