#include "tests/testing/tiny_model.h"

#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "tests/testing/pth_writer.h"
#include "tests/testing/safetensors_writer.h"

namespace oxbow {
namespace {

// SplitMix64: a few lines that give the same numbers everywhere.
class Random {
 public:
  Random(uint64_t seed, const std::string& name) : state_(seed) {
    for (uint8_t byte : Sha256(name)) state_ = Next() ^ byte;
  }

  // Uniform in [-1, 1).
  float Signed() {
    return static_cast<float>(Next() >> 40) / 8388608.0f - 1.0f;
  }

 private:
  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

class Maker {
 public:
  explicit Maker(const TinyModelOptions& options)
      : options_(options),
        width_(options.width),
        prefix_(options.embedding_heads.empty() ? "" : "rwkv.") {}

  std::vector<TinyTensor> Make() {
    Add("emb.weight", {options_.vocabulary_size, width_}, 0.0f, 1.0f);
    AddNorm("blocks.0.ln0");
    for (int l = 0; l < options_.layers; ++l) AddLayer(l);
    AddNorm("ln_out");
    if (options_.lm_head) {
      AddMatrix("head.weight", options_.vocabulary_size, width_, 2.0f);
    }
    prefix_.clear();
    for (const std::string& head : options_.embedding_heads) {
      const std::string stem = absl::StrCat("head.", head, "_head.");
      AddMatrix(stem + "fc1.weight", width_, width_, 1.0f);
      AddMatrix(stem + "fc2.weight", width_, width_, 1.0f);
      AddNorm(stem + "norm");
    }
    return std::move(tensors_);
  }

 private:
  void AddLayer(int layer) {
    const std::string block = absl::StrCat("blocks.", layer, ".");
    AddNorm(block + "ln1");
    AddNorm(block + "ln2");
    const std::string att = block + "att.";
    for (const char* mix : {"x_r", "x_w", "x_k", "x_v", "x_a", "x_g"}) {
      Add(att + mix, {1, 1, width_}, 0.5f, 0.5f);
    }
    // Half-lives from two tokens to some hundred.
    Add(att + "w0", {1, 1, width_}, -3.0f, 4.0f);
    AddLowRank(att + "w", options_.w_rank, 1.0f);
    Add(att + "a0", {1, 1, width_}, 0.0f, 1.0f);
    AddLowRank(att + "a", options_.a_rank, 1.0f);
    if (layer > 0 || options_.first_layer_v) {
      Add(att + "v0", {1, 1, width_}, 0.5f, 1.0f);
      AddLowRank(att + "v", options_.v_rank, 1.0f);
    }
    AddLowRank(att + "g", options_.g_rank, 2.0f);
    Add(att + "k_k", {1, 1, width_}, 0.8f, 0.3f);
    Add(att + "k_a", {1, 1, width_}, 1.0f, 0.2f);
    Add(att + "r_k", {width_ / options_.head_size, options_.head_size}, 0.0f,
        0.4f);
    for (const char* name : {"receptance", "key", "value", "output"}) {
      AddMatrix(absl::StrCat(att, name, ".weight"), width_, width_, 1.0f);
    }
    AddNorm(att + "ln_x");
    const int ffn_width =
        options_.ffn_width > 0 ? options_.ffn_width : 4 * width_;
    Add(block + "ffn.x_k", {1, 1, width_}, 0.5f, 0.5f);
    AddMatrix(block + "ffn.key.weight", ffn_width, width_, 1.0f);
    AddMatrix(block + "ffn.value.weight", width_, ffn_width, 0.7f);
  }

  // Uniform in middle - spread .. middle + spread.
  void Add(const std::string& name, std::vector<int64_t> shape, float middle,
           float spread) {
    int64_t count = 1;
    for (int64_t dimension : shape) count *= dimension;
    Random random(options_.seed, name);
    std::vector<float> numbers(count);
    for (float& number : numbers) number = middle + spread * random.Signed();
    tensors_.push_back({prefix_ + name, std::move(shape), std::move(numbers)});
  }

  // Outputs have about `gain` times the size of the inputs.
  void AddMatrix(const std::string& name, int outputs, int inputs, float gain) {
    Add(name, {outputs, inputs}, 0.0f, gain * std::sqrt(3.0f / inputs));
  }

  void AddLowRank(const std::string& stem, int rank, float gain) {
    Add(stem + "1", {width_, rank}, 0.0f, std::sqrt(3.0f / width_));
    Add(stem + "2", {rank, width_}, 0.0f, gain * std::sqrt(3.0f / rank));
  }

  void AddNorm(const std::string& stem) {
    Add(stem + ".weight", {width_}, 1.0f, 0.2f);
    Add(stem + ".bias", {width_}, 0.0f, 0.2f);
  }

  const TinyModelOptions options_;
  const int width_;
  std::string prefix_;
  std::vector<TinyTensor> tensors_;
};

}  // namespace

std::vector<TinyTensor> MakeTinyTensors(const TinyModelOptions& options) {
  return Maker(options).Make();
}

absl::Status WriteTensors(const std::vector<TinyTensor>& tensors, DType dtype,
                          const std::string& path) {
  if (absl::EndsWith(path, ".safetensors")) {
    return WriteSafetensors(tensors, dtype, path);
  }
  if (absl::EndsWith(path, ".pth")) return WritePth(tensors, dtype, path);
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": want a name in .safetensors or .pth"));
}

absl::Status WriteTinyModel(const TinyModelOptions& options,
                            const std::string& path) {
  return WriteTensors(MakeTinyTensors(options), options.dtype, path);
}

}  // namespace oxbow
