// Tokens a second of random models on a GPU, beside what its memory can do.
//
//   ./dev gpu pack, and then gpu/run bench on a machine with a GPU
//
// Decode is bound by reading weights and by reading and writing states, prefill
// by multiply-adds. The ceiling is measured before and after each figure:
// copies of a GiB within the device.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "base/check.h"
#include "engine/model/make_model.h"
#include "engine/weights/tensor_catalog.h"
#include "kernels/open_cuda_ops.h"
#include "nlohmann/json.hpp"
#include "tests/bench/model_steps.h"
#include "tests/bench/random_shapes.h"
#include "tests/bench/random_source.h"
#include "tests/bench/spread.h"

namespace oxbow {
namespace {

struct Options {
  std::vector<std::string> shapes = {"0.1B"};
  std::vector<int> streams = {1, 8, 32, 128, 384};
  std::vector<int> prefill_rows = {512, 4096};
  int gpu = 0;
  int rounds = 5;
  std::string json;
};

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Bytes a second that are read and written by copies within the device.
class Copies {
 public:
  explicit Copies(Ops* ops)
      : ops_(ops), from_(*ops->Allocate(kCount)), to_(*ops->Allocate(kCount)) {}
  double Bandwidth() {
    constexpr int kTimes = 8;
    float last;
    ops_->Read(absl::MakeSpan(&last, 1), to_.data());  // waits
    const double begin = Now();
    for (int i = 0; i < kTimes; ++i) {
      ops_->Copy(to_.data(), from_.data(), kCount);
    }
    ops_->Read(absl::MakeSpan(&last, 1), to_.data());
    return 2.0 * kTimes * kCount * sizeof(float) / (Now() - begin);
  }

 private:
  static constexpr int64_t kCount = int64_t{1} << 28;
  Ops* const ops_;
  const Buffer from_, to_;
};

class Bench {
 public:
  Bench(const Options& options, const std::string& shape_name)
      : options_(options),
        shape_name_(shape_name),
        shape_(ShapeOf(shape_name)) {
    shape_.dtype = DType::kF16;
    auto ops = OpenCudaOps(options.gpu, Numerics::kExact);
    OXBOW_CHECK_OK(ops.status());
    auto copy_ops = OpenCudaOps(options.gpu, Numerics::kExact);
    OXBOW_CHECK_OK(copy_ops.status());
    copy_ops_ = *std::move(copy_ops);
    copies_ = std::make_unique<Copies>(copy_ops_.get());
    auto catalog = TensorCatalog::Make(NewRandomSource(shape_));
    OXBOW_CHECK_OK(catalog.status());
    MakeModelOptions make;
    make.slots_max = 1 << 12;
    auto model = MakeModel(*std::move(catalog), *std::move(ops), make);
    OXBOW_CHECK_OK(model.status());
    model_ = *std::move(model);
    steps_ = std::make_unique<ModelSteps>(model_.get());
  }

  void Run(nlohmann::json* results) {
    for (int streams : options_.streams) Measure("decode", streams, 1, results);
    for (int rows : options_.prefill_rows) Measure("prefill", 1, rows, results);
  }

 private:
  // Steps of `rows` tokens of each of `streams`, and logits of each one's last.
  void Measure(const char* name, int streams, int rows,
               nlohmann::json* results) {
    std::vector<StateSlot> slots;
    for (int s = 0; s < streams; ++s) slots.push_back(*model_->NewState());
    steps_->Step(slots, rows);  // makes room
    std::vector<double> speeds, copies;
    for (int round = 0; round < options_.rounds; ++round) {
      copies.push_back(copies_->Bandwidth());
      const double begin = Now();
      int steps = 0;
      for (; Now() - begin < kRoundSeconds; ++steps) steps_->Step(slots, rows);
      speeds.push_back(double{1} * steps * streams * rows / (Now() - begin));
    }
    for (StateSlot slot : slots) model_->FreeState(slot);
    const Spread speed = SpreadOf(speeds);
    std::printf(
        "%-5s %-8s %5d streams %5d tokens each: %10.0f tokens/s "
        "(%.0f..%.0f); copies %.2f TB/s\n",
        shape_name_.c_str(), name, streams, rows, speed.median, speed.low,
        speed.high, SpreadOf(copies).median / 1e12);
    std::fflush(stdout);
    results->push_back({{"shape", shape_name_},
                        {"name", name},
                        {"streams", streams},
                        {"rows", rows},
                        {"tokens_per_second", speed.median},
                        {"low", speed.low},
                        {"high", speed.high},
                        {"copy_bytes_per_second", SpreadOf(copies).median}});
  }

  static constexpr double kRoundSeconds = 0.5;

  const Options options_;
  const std::string shape_name_;
  RandomShape shape_;
  std::unique_ptr<Ops> copy_ops_;
  std::unique_ptr<Copies> copies_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<ModelSteps> steps_;
};

}  // namespace
}  // namespace oxbow

int main(int argc, char** argv) {
  oxbow::Options options;
  CLI::App app("Tokens a second of random RWKV-7 models on a GPU.");
  app.add_option("--shape", options.shapes, "0.1B, 0.4B, 1.5B")
      ->delimiter(',')
      ->check(CLI::IsMember(oxbow::ShapeNames()))
      ->capture_default_str();
  app.add_option("--streams", options.streams, "streams of a decode step")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--prefill_rows", options.prefill_rows, "tokens of a step")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--gpu", options.gpu, "by CUDA's number")
      ->capture_default_str();
  app.add_option("--rounds", options.rounds, "half a second each")
      ->capture_default_str();
  app.add_option("--json", options.json, "file for the figures");
  CLI11_PARSE(app, argc, argv);
  nlohmann::json results = nlohmann::json::array();
  for (const std::string& shape : options.shapes) {
    oxbow::Bench(options, shape).Run(&results);
  }
  if (!options.json.empty()) {
    std::ofstream(options.json) << results.dump(2) << "\n";
  }
  return 0;
}
