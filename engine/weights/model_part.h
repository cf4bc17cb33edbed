// One of the models that a file may hold together.
#ifndef OXBOW_ENGINE_WEIGHTS_MODEL_PART_H_
#define OXBOW_ENGINE_WEIGHTS_MODEL_PART_H_

#include <memory>

#include "engine/weights/tensor_source.h"

namespace oxbow {

enum class ModelPart {
  kModel,     // the model that reads text
  kReranker,  // EmbeddingRWKV's reranker, which scores that one's states
};

// The tensors of one part. EmbeddingRWKV's files of rerankers name their
// tensors "reranker.*", or, once exported, without that; those of training hold
// "rwkv.*" as well, which is the embedder. The reranker's come out under
// RWKV-7's names, its only token ("token.weight") as emb.weight.
//
// A file that holds nothing but a reranker gives it as kModel, too.
std::unique_ptr<TensorSource> SelectPart(std::unique_ptr<TensorSource> source,
                                         ModelPart part);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_MODEL_PART_H_
