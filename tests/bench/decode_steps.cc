// A few decode steps of a small random model on one thread, for callgrind to
// count: tests/bench/step_cost_test.sh.
#include <iostream>
#include <memory>
#include <vector>

#include "CLI/CLI.hpp"
#include "base/check.h"
#include "engine/model/make_model.h"
#include "engine/weights/tensor_catalog.h"
#include "kernels/cpu/cpu_ops.h"
#include "tests/bench/random_source.h"

namespace oxbow {
namespace {

std::unique_ptr<Model> SmallModel(WeightPrecision precision) {
  RandomShape shape;
  shape.layers = 2;
  shape.width = 128;
  shape.ffn_width = 512;
  shape.vocabulary_size = 1024;
  auto catalog = TensorCatalog::Make(NewRandomSource(shape));
  OXBOW_CHECK_OK(catalog.status());
  auto ops = CpuOps::Create(/*threads=*/1);
  OXBOW_CHECK_OK(ops.status());
  MakeModelOptions options;
  options.precision = precision;
  auto model = MakeModel(*std::move(catalog), *std::move(ops), options);
  OXBOW_CHECK_OK(model.status());
  return *std::move(model);
}

}  // namespace
}  // namespace oxbow

// What is counted, under a name that a command line can say: one token a step,
// with its logits.
extern "C" __attribute__((noinline)) void DecodeSteps(oxbow::Model* model,
                                                      oxbow::StateSlot slot,
                                                      int steps) {
  const oxbow::ModelInfo& info = model->info();
  std::vector<float> hidden(info.width), logits(info.vocabulary_size);
  for (int step = 0; step < steps; ++step) {
    oxbow::Batch batch;
    batch.tokens = {step};
    batch.row_end = {1};
    batch.slots = {slot};
    batch.hidden_rows = {0};
    model->Step(batch, absl::MakeSpan(hidden));
    model->Logits(hidden, absl::MakeSpan(logits));
  }
}

int main(int argc, char** argv) {
  std::string weights = "stored";
  int steps = 10;
  CLI::App app("Decode steps of a small random model, to be counted.");
  app.add_option("--weights", weights, "stored, int8, int4");
  app.add_option("--steps", steps, "tokens");
  CLI11_PARSE(app, argc, argv);
  const auto model = oxbow::SmallModel(
      weights == "int8"   ? oxbow::WeightPrecision::kInt8
      : weights == "int4" ? oxbow::WeightPrecision::kInt4
                          : oxbow::WeightPrecision::kAsStored);
  DecodeSteps(model.get(), *model->NewState(), steps);
  return 0;
}
