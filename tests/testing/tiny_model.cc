#include "tests/testing/tiny_model.h"

#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
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
        prefix_(options.reranker                  ? "reranker."
                : options.embedding_heads.empty() ? ""
                                                  : "rwkv.") {}

  std::vector<TinyTensor> Make() {
    if (options_.reranker) {
      Add("token.weight", {1, width_}, 0.0f, 1.0f);
    } else {
      Add("emb.weight", {options_.vocabulary_size, width_}, 0.0f, 1.0f);
    }
    AddNorm("blocks.0.ln0");
    for (int l = 0; l < options_.layers; ++l) AddLayer(l);
    AddNorm("ln_out");
    if (options_.reranker) {
      AddMatrix("head.0.weight", width_, width_, 1.0f);
      Add("head.0.bias", {width_}, 0.0f, 0.3f);
      AddMatrix("head.2.weight", 1, width_, 2.0f);
      return std::move(tensors_);
    }
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
    const std::string att = block + "att.", ffn = block + "ffn.";
    AddNorm(block + "ln1");
    AddNorm(block + "ln2");
    if (options_.version == "7") {
      AddAtt7(att, layer);
      AddMixes(ffn, {"x_k"});
      AddFfn(ffn, 4 * width_);
      return;
    }
    if (options_.version == "6") {
      AddAtt6(att);
      AddMixes(ffn, {"time_maa_k", "time_maa_r"});
    } else {
      options_.version == "4" ? AddAtt4(att) : AddAtt5(att);
      AddMixes(ffn, {"time_mix_k", "time_mix_r"});
    }
    AddFfn(ffn, options_.version == "4" ? 4 * width_ : 7 * width_ / 2);
    AddMatrix(ffn + "receptance.weight", width_, width_, 1.0f);
  }

  void AddAtt4(const std::string& att) {
    AddMixes(att, {"time_mix_k", "time_mix_v", "time_mix_r"});
    Add(att + "time_decay", {width_}, -2.0f, 3.0f);
    Add(att + "time_first", {width_}, 0.0f, 1.0f);
    AddSquares(att, {"receptance", "key", "value", "output"});
  }

  // 5.0 has no gate; before 5.2 a head has one decay and one bonus.
  void AddAtt5(const std::string& att) {
    const bool per_channel = options_.version == "5.2";
    OXBOW_CHECK(per_channel || options_.version == "5.1" ||
                options_.version == "5.0")
        << options_.version;
    std::vector<int64_t> shape = {width_ / options_.head_size};
    if (per_channel) shape.push_back(options_.head_size);
    AddMixes(att, {"time_mix_k", "time_mix_v", "time_mix_r"});
    AddSquares(att, {"receptance", "key", "value", "output"});
    if (options_.version != "5.0") {
      AddMixes(att, {"time_mix_g"});
      AddSquares(att, {"gate"});
    }
    Add(att + "time_decay", shape, -3.0f, 2.5f);
    if (options_.time_first) {
      Add(att + "time_first", shape, -0.5f, 1.0f);
    } else {
      Add(att + "time_faaaa", shape, 0.5f, 0.7f);
    }
    AddNorm(att + "ln_x");
    AddTimeState(att);
  }

  void AddAtt6(const std::string& att) {
    AddMixes(att, {"time_maa_x", "time_maa_w", "time_maa_k", "time_maa_v",
                   "time_maa_r", "time_maa_g"});
    const int rank = options_.mix_rank;
    Add(att + "time_maa_w1", {width_, 5 * rank}, 0.0f,
        std::sqrt(3.0f / width_));
    Add(att + "time_maa_w2", {5, rank, width_}, 0.0f,
        0.3f * std::sqrt(3.0f / rank));
    Add(att + "time_decay", {1, 1, width_}, -3.0f, 2.5f);
    AddLowRank(att + "time_decay_w", options_.w_rank, 1.0f);
    Add(att + "time_faaaa", {width_ / options_.head_size, options_.head_size},
        0.5f, 0.7f);
    AddSquares(att, {"receptance", "key", "value", "gate", "output"});
    AddNorm(att + "ln_x");
    AddTimeState(att);
  }

  void AddAtt7(const std::string& att, int layer) {
    AddMixes(att, {"x_r", "x_w", "x_k", "x_v", "x_a", "x_g"});
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
    AddSquares(att, {"receptance", "key", "value", "output"});
    AddNorm(att + "ln_x");
    AddTimeState(att);
  }

  void AddFfn(const std::string& ffn, int usual_width) {
    const int width = options_.ffn_width > 0 ? options_.ffn_width : usual_width;
    AddMatrix(ffn + "key.weight", width, width_, 1.0f);
    AddMatrix(ffn + "value.weight", width_, width, 0.7f);
  }

  void AddTimeState(const std::string& att) {
    if (!options_.time_state) return;
    const int size = options_.head_size;
    // [H, S value, S key] in every version.
    Add(att + "time_state", {width_ / size, size, size}, 0.0f, 0.5f);
  }

  void AddMixes(const std::string& stem,
                const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      Add(stem + name, {1, 1, width_}, 0.5f, 0.5f);
    }
  }

  void AddSquares(const std::string& att,
                  const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      AddMatrix(absl::StrCat(att, name, ".weight"), width_, width_, 1.0f);
    }
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
