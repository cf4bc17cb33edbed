#include "tests/bench/random_source.h"

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace oxbow {
namespace {

class RandomSource : public TensorSource {
 public:
  explicit RandomSource(const RandomShape& shape) : dtype_(shape.dtype) {
    OXBOW_CHECK(dtype_ != DType::kF32);
    const int width = shape.width;
    Add("emb.weight", {shape.vocabulary_size, width});
    Add("head.weight", {shape.vocabulary_size, width});
    AddNorm("blocks.0.ln0", width);
    AddNorm("ln_out", width);
    for (int l = 0; l < shape.layers; ++l) {
      const std::string block = absl::StrCat("blocks.", l, ".");
      AddNorm(block + "ln1", width);
      AddNorm(block + "ln2", width);
      AddTimeMix(block + "att.", shape);
      Add(block + "ffn.x_k", {width});
      Add(block + "ffn.key.weight", {shape.ffn_width, width});
      Add(block + "ffn.value.weight", {width, shape.ffn_width});
    }
  }

  absl::Span<const TensorEntry> entries() const override { return entries_; }

  // Sign and fraction at random, one of four exponents: fast to make.
  absl::Status Read(int index, absl::Span<char> bytes) override {
    const TensorEntry& entry = entries_[index];
    const bool is_matrix =
        entry.shape.size() == 2 && !absl::EndsWith(entry.name, "r_k");
    const int64_t inputs = absl::EndsWith(entry.name, "weight")
                               ? entry.shape.back()
                               : entry.shape.front();
    const int exponent =
        is_matrix
            ? -static_cast<int>(std::log2(static_cast<double>(inputs)) / 2)
            : -1;
    const int shift = dtype_ == DType::kBF16 ? 7 : 10;
    const int bias = dtype_ == DType::kBF16 ? 127 : 15;
    const uint16_t base = static_cast<uint16_t>((bias + exponent - 1) << shift);
    const uint16_t keep = static_cast<uint16_t>(0x8000 | ((1 << shift) - 1));
    for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
      state_ ^= state_ << 13;
      state_ ^= state_ >> 7;
      state_ ^= state_ << 17;
      const uint16_t number = (static_cast<uint16_t>(state_) & keep) | base;
      std::memcpy(&bytes[i], &number, sizeof(number));
    }
    return absl::OkStatus();
  }

 private:
  void Add(const std::string& name, std::vector<int64_t> shape) {
    entries_.push_back({name, dtype_, std::move(shape)});
  }
  void AddNorm(const std::string& stem, int width) {
    Add(stem + ".weight", {width});
    Add(stem + ".bias", {width});
  }
  void AddTimeMix(const std::string& att, const RandomShape& shape) {
    const int width = shape.width;
    for (const char* name : {"x_r", "x_w", "x_k", "x_v", "x_a", "x_g", "w0",
                             "a0", "v0", "k_k", "k_a"}) {
      Add(att + name, {width});
    }
    Add(att + "r_k", {width / shape.head_size, shape.head_size});
    for (const char* name : {"receptance", "key", "value", "output"}) {
      Add(absl::StrCat(att, name, ".weight"), {width, width});
    }
    const std::pair<const char*, int> pairs[] = {{"w", shape.w_rank},
                                                 {"a", shape.a_rank},
                                                 {"v", shape.v_rank},
                                                 {"g", shape.g_rank}};
    for (const auto& [name, rank] : pairs) {
      Add(absl::StrCat(att, name, "1"), {width, rank});
      Add(absl::StrCat(att, name, "2"), {rank, width});
    }
    AddNorm(att + "ln_x", width);
  }

  const DType dtype_;
  std::vector<TensorEntry> entries_;
  uint64_t state_ = 88172645463325252u;
};

}  // namespace

std::unique_ptr<TensorSource> NewRandomSource(const RandomShape& shape) {
  return absl::make_unique<RandomSource>(shape);
}

}  // namespace oxbow
