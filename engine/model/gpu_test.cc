// Every version on a GPU: the bits of the CPU, hidden rows, states and
// logits alike, so that a stream may go from one to the other.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/model/make_model.h"
#include "engine/model/testing/load_tiny.h"
#include "engine/weights/open_catalog.h"
#include "gtest/gtest.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/testing/gpu_ops.h"

namespace oxbow {
namespace {

struct Case {
  const char* name;
  TinyModelOptions model;
  WeightPrecision precision = WeightPrecision::kAsStored;
};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const char* version : {"4", "5.0", "5.1", "5.2", "6", "7"}) {
    TinyModelOptions model;
    model.version = version;
    model.dtype = cases.size() % 2 == 0 ? DType::kBF16 : DType::kF16;
    cases.push_back({version, model});
  }
  TinyModelOptions other;
  other.width = 40, other.head_size = 8, other.ffn_width = 77;
  cases.push_back({"7 of odd sizes", other});
  TinyModelOptions blocks;
  blocks.width = 96, blocks.head_size = 32, blocks.ffn_width = 160;
  cases.push_back({"7 int8", blocks, WeightPrecision::kInt8});
  cases.push_back({"7 int4", blocks, WeightPrecision::kInt4});
  return cases;
}

std::unique_ptr<Model> Open(const Case& c, std::unique_ptr<Ops> ops) {
  const std::string path = PathOf("m.safetensors");
  EXPECT_TRUE(WriteTinyModel(c.model, path).ok());
  MakeModelOptions options;
  options.precision = c.precision;
  auto catalog = OpenCatalog(path, ModelPart::kModel, {}, 1);
  EXPECT_TRUE(catalog.ok()) << catalog.status();
  auto model = MakeModel(*std::move(catalog), std::move(ops), options);
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

// What a model makes of three streams in a few uneven steps.
struct Made {
  std::vector<float> hidden, logits;
  std::vector<std::string> states;
};

Made ReadStreams(Model& model) {
  std::vector<StateSlot> slots;
  for (int s = 0; s < 3; ++s) slots.push_back(*model.NewState());
  Made made;
  int token = 0;
  const std::vector<std::vector<int>> steps = {
      {1, 1, 1}, {5, 1, 20}, {1, 17, 1}};  // rows of each stream
  for (const std::vector<int>& rows : steps) {
    Batch batch;
    batch.slots = slots;
    for (int count : rows) {
      for (int i = 0; i < count; ++i) {
        batch.tokens.push_back(token = (token * 7 + 11) % 256);
      }
      batch.row_end.push_back(static_cast<int>(batch.tokens.size()));
      batch.hidden_rows.push_back(batch.row_end.back() - 1);
    }
    std::vector<float> hidden(rows.size() * model.info().width);
    model.Step(batch, absl::MakeSpan(hidden));
    std::vector<float> logits(rows.size() * model.info().vocabulary_size);
    model.Logits(hidden, absl::MakeSpan(logits));
    made.hidden.insert(made.hidden.end(), hidden.begin(), hidden.end());
    made.logits.insert(made.logits.end(), logits.begin(), logits.end());
  }
  for (StateSlot slot : slots) made.states.push_back(StateOf(model, slot));
  return made;
}

TEST(GpuTest, EveryVersionHasTheBitsOfTheCpu) {
  for (const Case& c : Cases()) {
    SCOPED_TRACE(c.name);
    const auto on_gpu = Open(c, NewGpuOps());
    const auto on_cpu = Open(c, *CpuOps::Create(/*threads=*/1));
    EXPECT_EQ(on_gpu->info().numerics_id, on_cpu->info().numerics_id);
    const Made got = ReadStreams(*on_gpu), want = ReadStreams(*on_cpu);
    EXPECT_EQ(got.hidden, want.hidden);
    EXPECT_EQ(got.logits, want.logits);
    EXPECT_EQ(got.states, want.states);
  }
}

}  // namespace
}  // namespace oxbow
