// oxbow.v1.Streams: opens calls, nothing else.
#ifndef OXBOW_SERVICE_STREAMS_SERVICE_H_
#define OXBOW_SERVICE_STREAMS_SERVICE_H_

#include <atomic>
#include <cstdint>

#include "engine/engine.h"
#include "oxbow/v1/streams.grpc.pb.h"
#include "service/call_slots.h"
#include "service/call_time.h"
#include "service/from_proto.h"
#include "service/raw_methods.h"
#include "service/send_thread.h"
#include "service/server_limits.h"

namespace oxbow {

using RawStreams =
    RawMethods<v1::Streams::Service,
               v1::Streams::WithRawCallbackMethod_CreateStream,
               v1::Streams::WithRawCallbackMethod_GetStream,
               v1::Streams::WithRawCallbackMethod_ListStreams,
               v1::Streams::WithRawCallbackMethod_DeleteStream,
               v1::Streams::WithRawCallbackMethod_Append,
               v1::Streams::WithRawCallbackMethod_Embed,
               v1::Streams::WithRawCallbackMethod_Rerank,
               v1::Streams::WithRawCallbackMethod_ReadEmbeddings,
               v1::Streams::WithRawCallbackMethod_Generate,
               v1::Streams::WithRawCallbackMethod_Score,
               v1::Streams::WithRawCallbackMethod_Fork,
               v1::Streams::WithRawCallbackMethod_Checkpoint,
               v1::Streams::WithRawCallbackMethod_ListCheckpoints,
               v1::Streams::WithRawCallbackMethod_DeleteCheckpoint,
               v1::Streams::WithRawCallbackMethod_ExportState,
               v1::Streams::WithRawCallbackMethod_ImportState,
               v1::Streams::WithRawCallbackMethod_ReadText>::Type;

// Thread-safe. Nothing is computed and nothing waits in a callback: a request
// is parsed, checked and given to the engine, which answers later.
class StreamsService final : public RawStreams {
 public:
  // Borrows all, which must outlive the server's calls.
  StreamsService(Engine* engine, const ServerLimits* limits,
                 CallTimers* timers);

 private:
  using Context = grpc::CallbackServerContext;
  using Bytes = grpc::ByteBuffer;
  using Unary = grpc::ServerUnaryReactor;
  using Writer = grpc::ServerWriteReactor<grpc::ByteBuffer>;

  Unary* CreateStream(Context*, const Bytes* request, Bytes* response) override;
  Unary* GetStream(Context*, const Bytes* request, Bytes* response) override;
  Unary* ListStreams(Context*, const Bytes* request, Bytes* response) override;
  Unary* DeleteStream(Context*, const Bytes* request, Bytes* response) override;
  grpc::ServerBidiReactor<Bytes, Bytes>* Append(Context*) override;
  Unary* Embed(Context*, const Bytes* request, Bytes* response) override;
  Unary* Rerank(Context*, const Bytes* request, Bytes* response) override;
  Writer* ReadEmbeddings(Context*, const Bytes* request) override;
  Writer* Generate(Context*, const Bytes* request) override;
  Unary* Score(Context*, const Bytes* request, Bytes* response) override;
  Unary* Fork(Context*, const Bytes* request, Bytes* response) override;
  Unary* Checkpoint(Context*, const Bytes* request, Bytes* response) override;
  Unary* ListCheckpoints(Context*, const Bytes* request,
                         Bytes* response) override;
  Unary* DeleteCheckpoint(Context*, const Bytes* request,
                          Bytes* response) override;
  Writer* ExportState(Context*, const Bytes* request) override;
  grpc::ServerReadReactor<Bytes>* ImportState(Context*,
                                              Bytes* response) override;
  Writer* ReadText(Context*, const Bytes* request) override;

  CallTime TimeOf(Context* context) { return {timers_, limits_, context}; }

  Engine* const engine_;
  const ServerLimits* const limits_;
  CallTimers* const timers_;
  const RequestRules rules_;
  CallSlots transfers_{kTransfersMax, "state files", "TOO_MANY_TRANSFERS"};
  CallSlots reads_{kReadCallsMax, "ReadText and ReadEmbeddings calls",
                   "TOO_MANY_READS"};
  std::atomic<int64_t> unread_{0};  // of Generate calls
  SendThread sender_;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_STREAMS_SERVICE_H_
