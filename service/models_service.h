// oxbow.v1.Models: what the server runs, its limits, its tokenizer.
#ifndef OXBOW_SERVICE_MODELS_SERVICE_H_
#define OXBOW_SERVICE_MODELS_SERVICE_H_

#include "engine/engine.h"
#include "oxbow/v1/models.grpc.pb.h"
#include "service/raw_methods.h"
#include "service/server_limits.h"
#include "service/tokenize_worker.h"

namespace oxbow {

using RawModels =
    RawMethods<v1::Models::Service, v1::Models::WithRawCallbackMethod_GetModel,
               v1::Models::WithRawCallbackMethod_GetLimits,
               v1::Models::WithRawCallbackMethod_Tokenize,
               v1::Models::WithRawCallbackMethod_Detokenize>::Type;

// Thread-safe.
class ModelsService final : public RawModels {
 public:
  // Borrows the engine, which must outlive it.
  ModelsService(const Engine* engine, const ServerLimits& limits);

 private:
  using Context = grpc::CallbackServerContext;
  using Bytes = grpc::ByteBuffer;
  using Unary = grpc::ServerUnaryReactor;

  Unary* GetModel(Context*, const Bytes* request, Bytes* response) override;
  Unary* GetLimits(Context*, const Bytes* request, Bytes* response) override;
  Unary* Tokenize(Context*, const Bytes* request, Bytes* response) override;
  Unary* Detokenize(Context*, const Bytes* request, Bytes* response) override;

  const Engine* const engine_;
  const ServerLimits limits_;
  TokenizeWorker worker_;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_MODELS_SERVICE_H_
