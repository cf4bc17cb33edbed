// The sizes of a model, as its tensors tell them.
#ifndef OXBOW_ENGINE_MODEL_MODEL_CONFIG_H_
#define OXBOW_ENGINE_MODEL_MODEL_CONFIG_H_

#include <string>
#include <vector>

namespace oxbow {

// The versions Oxbow can tell apart. Which of them it runs, make_model.cc
// says.
enum class RwkvVersion { k4, k5_0, k5_1, k5_2, k6, k7 };

// "RWKV-5.2".
const char* NameOf(RwkvVersion version);

struct ModelConfig {
  RwkvVersion version = RwkvVersion::k7;
  int layers = 0;           // L
  int width = 0;            // D
  int vocabulary_size = 0;  // V
  // The rest is set for the versions Oxbow runs.
  int head_size = 0;  // S
  int ffn_width = 0;  // F
  bool has_lm_head = false;
  std::vector<std::string> embedding_heads;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_MODEL_CONFIG_H_
