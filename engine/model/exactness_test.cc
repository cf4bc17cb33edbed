// The promise of model.h: a sequence's state and hidden rows depend on its
// tokens alone, bit for bit; not on how they are cut into steps, on the other
// sequences of a step, on the number of threads or on the instruction set.
#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "base/soak.h"
#include "engine/model/load_model.h"
#include "gtest/gtest.h"
#include "kernels/cpu/half_product.h"
#include "kernels/testing/cpu_target.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {
namespace {

constexpr int kTokens = 50;
constexpr int kChunkings = 200;

struct Shape {
  const char* name;
  TinyModelOptions options;
  // The start of the one digest, as hexadecimal digits. Another compiler or
  // CPU gives the same; if a change of the code does not, the rounding has
  // changed: then CpuOps::numerics_id() has to change as well. Of fast
  // numerics none is said: another maker's instruction may round otherwise.
  const char* digest;
  WeightPrecision precision = WeightPrecision::kAsStored;
  Numerics numerics = Numerics::kExact;

  bool RunsOn(const CpuTarget& target) const {
    if (!HasCpuTarget(target)) return false;
    return numerics == Numerics::kExact ||
           (HasHalfProduct() && target.bit == HWY_AVX3);
  }
};

std::vector<Shape> Shapes() {
  TinyModelOptions bf16;
  TinyModelOptions fp16;
  fp16.width = 40, fp16.head_size = 8, fp16.layers = 3;
  fp16.w_rank = 3, fp16.v_rank = 1, fp16.ffn_width = 77;
  fp16.dtype = DType::kF16;
  TinyModelOptions fp32;
  fp32.width = 128, fp32.head_size = 64, fp32.layers = 1;
  fp32.g_rank = 70;
  fp32.dtype = DType::kF32;
  TinyModelOptions blocks;
  blocks.width = 96, blocks.head_size = 32, blocks.ffn_width = 160;
  TinyModelOptions v4;
  v4.version = "4";
  v4.width = 72;
  TinyModelOptions v50 = fp16, v51, v52, v6;
  v50.version = "5.0";
  v51.version = "5.1";
  v51.width = 128, v51.head_size = 128, v51.layers = 1;
  v51.time_first = true;
  v52.version = "5.2";
  v52.head_size = 32;
  v52.time_state = true;
  v6.version = "6";
  v6.width = 128, v6.head_size = 64;
  v6.mix_rank = 5;
  v6.time_state = true;
  return {{"bf16", bf16, "8a1c2dad70435156"},
          {"fp16", fp16, "0f3dd2e380ad621c"},
          {"fp32", fp32, "d80f38f1ad91329f"},
          {"v4", v4, "1af65d781650b3e0"},
          {"v50", v50, "389a88b6301cf0d2"},
          {"v51", v51, "807b1dac7a8b4011"},
          {"v52", v52, "cfb456e49373ffa9"},
          {"v6", v6, "c096d45943bc4ee2"},
          {"int8", blocks, "2dc0ac15ae3cd54b", WeightPrecision::kInt8},
          {"int4", blocks, "ae616de502a4de9b", WeightPrecision::kInt4},
          {"fast", bf16, nullptr, WeightPrecision::kAsStored, Numerics::kFast}};
}

// One sequence read to its end, with others beside it.
class Reading {
 public:
  Reading(Model* model, const std::vector<int>& tokens, uint32_t seed)
      : model_(model), tokens_(tokens), random_(seed) {
    slot_ = *model_->NewState();
    for (int i = 0; i < 3; ++i) mates_.push_back(*model_->NewState());
  }
  ~Reading() {
    model_->FreeState(slot_);
    for (StateSlot mate : mates_) model_->FreeState(mate);
  }

  // The digest of all hidden rows and of the state at the end.
  Digest Result() {
    const int width = model_->info().width;
    std::vector<float> rows;
    while (next_ < kTokens) {
      const std::vector<float> hidden = Step();
      rows.insert(rows.end(), hidden.begin(), hidden.end());
    }
    EXPECT_EQ(rows.size(), static_cast<size_t>(kTokens) * width);
    std::string state(model_->info().state_bytes, '\0');
    model_->ReadState(slot_, absl::MakeSpan(state.data(), state.size()));
    Sha256Hasher hasher;
    hasher.Add(absl::string_view(reinterpret_cast<const char*>(rows.data()),
                                 rows.size() * sizeof(float)));
    hasher.Add(state);
    return hasher.Finish();
  }

 private:
  int Draw(int low, int high) {
    return low + static_cast<int>(random_() % (high - low + 1));
  }

  // Some of the sequence's tokens, somewhere among rows of its mates.
  std::vector<float> Step() {
    Batch batch;
    const int mates = Draw(0, 3);
    const int place = Draw(0, mates);
    for (int i = 0; i <= mates; ++i) {
      if (i == place) {
        AddOwn(&batch);
      } else {
        AddMate(&batch, mates_[i > place ? i - 1 : i]);
      }
    }
    std::vector<float> hidden(batch.hidden_rows.size() * model_->info().width);
    model_->Step(batch, absl::MakeSpan(hidden));
    return hidden;
  }

  void AddOwn(Batch* batch) {
    const int count = std::min(Draw(1, Draw(1, 30)), kTokens - next_);
    for (int i = 0; i < count; ++i) {
      batch->hidden_rows.push_back(static_cast<int>(batch->tokens.size()));
      batch->tokens.push_back(tokens_[next_++]);
    }
    batch->row_end.push_back(static_cast<int>(batch->tokens.size()));
    batch->slots.push_back(slot_);
  }

  void AddMate(Batch* batch, StateSlot mate) {
    for (int i = Draw(1, 9); i > 0; --i) {
      batch->tokens.push_back(Draw(0, model_->info().vocabulary_size - 1));
    }
    batch->row_end.push_back(static_cast<int>(batch->tokens.size()));
    batch->slots.push_back(mate);
  }

  Model* const model_;
  const std::vector<int>& tokens_;
  std::mt19937 random_;
  StateSlot slot_;
  std::vector<StateSlot> mates_;
  int next_ = 0;
};

class ExactnessTest : public testing::TestWithParam<Shape> {};

TEST_P(ExactnessTest, OneDigestWhateverTheBatchThreadsAndInstructions) {
  if (GetParam().numerics == Numerics::kFast && !HasHalfProduct()) {
    GTEST_SKIP() << "this CPU lacks AVX-512 BF16";
  }
  const std::string path =
      testing::TempDir() + "/" + GetParam().name + ".safetensors";
  ASSERT_TRUE(WriteTinyModel(GetParam().options, path).ok());
  std::mt19937 random(3);
  std::vector<int> tokens(kTokens);
  for (int& token : tokens) token = random() % 256;

  absl::optional<Digest> first;
  int runs = 0;
  for (int threads : {1, 2, 3}) {
    LoadModelOptions options;
    options.threads = threads;
    options.precision = GetParam().precision;
    options.numerics = GetParam().numerics;
    auto model = LoadModel(path, options);
    ASSERT_TRUE(model.ok()) << model.status();
    for (const CpuTarget& target : kCpuTargets) {
      if (!GetParam().RunsOn(target)) continue;
      const ScopedCpuTarget use(target);
      for (int chunking = 0; chunking < Soaked(kChunkings);
           ++chunking, ++runs) {
        const Digest digest = Reading(model->get(), tokens, chunking).Result();
        if (!first.has_value()) first = digest;
        ASSERT_EQ(digest, *first)
            << threads << " threads, " << target << ", chunking " << chunking;
      }
    }
  }
  if (GetParam().digest != nullptr) {
    EXPECT_EQ(ToHex(*first).substr(0, 16), GetParam().digest);
  }
  std::cout << runs << " runs, one digest\n";
}

INSTANTIATE_TEST_SUITE_P(Shapes, ExactnessTest, testing::ValuesIn(Shapes()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace oxbow
