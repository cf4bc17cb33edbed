// The sizes of a model, as its tensors tell them.
#ifndef OXBOW_ENGINE_MODEL_MODEL_CONFIG_H_
#define OXBOW_ENGINE_MODEL_MODEL_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

namespace oxbow {

// Named here, in detect_version.cc and in make_model.cc, and nowhere else:
// tests/tidy.py counts. All else that differs is in a version's description.
enum class RwkvVersion { k4, k5_0, k5_1, k5_2, k6, k7 };

// "RWKV-5.2".
inline const char* NameOf(RwkvVersion version) {
  constexpr const char* kNames[] = {"RWKV-4",   "RWKV-5.0", "RWKV-5.1",
                                    "RWKV-5.2", "RWKV-6",   "RWKV-7"};
  return kNames[static_cast<int>(version)];
}

struct ModelConfig {
  RwkvVersion version = RwkvVersion::k7;
  int layers = 0;           // L
  int width = 0;            // D
  int vocabulary_size = 0;  // V
  int head_size = 0;        // S; 1 in RWKV-4, whose channels are alone
  int ffn_width = 0;        // F
  bool has_lm_head = false;
  std::vector<std::string> embedding_heads;
  bool has_rank_head = false;  // a reranker
  std::vector<int64_t> reranker_layers;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_MODEL_CONFIG_H_
