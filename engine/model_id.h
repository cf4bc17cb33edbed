// What states belong to.
#ifndef OXBOW_ENGINE_MODEL_ID_H_
#define OXBOW_ENGINE_MODEL_ID_H_

#include "base/sha256.h"
#include "engine/model/model.h"
#include "engine/tokenizer/tokenizer.h"

namespace oxbow {

// Digest over weights and tokenizer: a state says nothing to any other pair.
inline Digest ModelId(const Model& model, const Tokenizer& tokenizer) {
  Sha256Hasher hasher;
  hasher.AddSized(AsBytes(model.info().weights_id));
  hasher.AddSized(AsBytes(tokenizer.id()));
  return hasher.Finish();
}

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_ID_H_
