// Tokens a second of a random model, beside what the machine can do at best.
//
//   ./dev bench            or: bazel run //tests/bench:model_bench
//
// One token at a time (decode) is bound by reading all weights once; many
// tokens at a time (prefill) by multiply-adds. Each round measures the floor
// and then the model, so that neighbours on the machine slow both alike; the
// fraction is the median over the rounds' own fractions. Weights in blocks are
// multiplied as 16-bit integers, twice as fast as fp32 where there is AVX-512
// VNNI, and fast numerics multiply bf16: each floor is made of its own. What
// reads memory for the floor is the fastest of several readers (FloorReader),
// and it reads as often in a row as the model does.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "base/check.h"
#include "engine/model/make_model.h"
#include "engine/weights/tensor_catalog.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/half_product.h"
#include "kernels/cpu/product.h"
#include "nlohmann/json.hpp"
#include "tests/bench/floors.h"
#include "tests/bench/model_steps.h"
#include "tests/bench/random_shapes.h"
#include "tests/bench/random_source.h"
#include "tests/bench/spread.h"

namespace oxbow {
namespace {

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct Options {
  std::vector<std::string> shapes = {"0.1B"};
  DType dtype = DType::kBF16;
  std::vector<int> threads = {1, 2};
  int rounds = 0;  // 0: RoundsOf() the shape
  int prefill_rows = 512;
  std::vector<int> streams = {1, 4, 16, 64, 256};
  std::vector<std::string> kinds;  // none: all this CPU has
  std::string json;
};

WeightPrecision PrecisionOf(const std::string& kind) {
  if (kind == "int8") return WeightPrecision::kInt8;
  if (kind == "int4") return WeightPrecision::kInt4;
  return WeightPrecision::kAsStored;
}

Numerics NumericsOf(const std::string& kind) {
  return kind == "fast" ? Numerics::kFast : Numerics::kExact;
}

std::vector<std::string> KindsHere() {
  std::vector<std::string> kinds = {"exact", "int8", "int4"};
  if (HasHalfProduct()) kinds.emplace_back("fast");
  return kinds;
}

// What a larger model does in a round takes that much longer.
int RoundsOf(const std::string& shape) {
  return shape == "0.1B" ? 15 : shape == "0.4B" ? 7 : 3;
}

struct Result {
  std::string shape;
  std::string name;
  std::string kind;
  int threads;
  int rows;
  std::string bound;  // what the floor is made of
  Spread tokens;      // a second
  Spread floor;       // tokens a second the bound allows
  Spread fraction;
};

class Bench {
 public:
  Bench(const Options& options, const std::string& shape_name,
        const std::string& kind)
      : options_(options),
        shape_name_(shape_name),
        shape_(ShapeOf(shape_name)),
        kind_(kind),
        rounds_(options.rounds > 0 ? options.rounds : RoundsOf(shape_name)) {
    shape_.dtype = options.dtype;
    MakeModelOptions make;
    make.precision = PrecisionOf(kind);
    auto catalog = TensorCatalog::Make(NewRandomSource(shape_));
    OXBOW_CHECK_OK(catalog.status());
    for (const auto& [name, index] : catalog->names()) {
      const TensorEntry* entry = catalog->Find(name);
      const bool is_matrix = entry->shape.size() == 2 && name != "emb.weight";
      if (is_matrix) {
        const DType kept = KeptAs(*entry, make.precision);
        const bool in_blocks = NumbersPerBlock(kept) > 1;
        matrix_bytes_ += BytesOf(kept, entry->Count());
        Numbers& numbers = name == "head.weight" ? head_ : layers_;
        (in_blocks ? numbers.in_blocks : numbers.plain) += entry->Count();
      }
    }
    auto ops = CpuOps::Create(1, NumericsOf(kind));
    OXBOW_CHECK_OK(ops.status());
    ops_ = ops->get();
    auto model = MakeModel(*std::move(catalog), *std::move(ops), make);
    OXBOW_CHECK_OK(model.status());
    model_ = *std::move(model);
    steps_ = std::make_unique<ModelSteps>(model_.get());
  }

  std::vector<Result> Run() {
    std::vector<Result> results;
    const FloorBuffer buffer(matrix_bytes_);
    for (int threads : options_.threads) {
      ops_->SetThreads(threads);
      ThreadPool pool(threads);
      const FloorReader reader(&pool, &buffer);
      std::printf("# %s %s, %d threads: %.0f MB are read fastest with %s\n",
                  shape_name_.c_str(), kind_.c_str(), threads,
                  matrix_bytes_ / 1e6, reader.way());
      if (threads > 1) {
        std::printf("# a number goes from core to core in %.0f ns\n",
                    HandOverSeconds() * 1e9);
      }
      for (int streams : options_.streams) {
        results.push_back(Decode(pool, reader, streams));
        Print(results.back());
      }
      results.push_back(Prefill(pool));
      Print(results.back());
    }
    return results;
  }

 private:
  // One token of each of `streams`, with logits: bound by reading weights.
  Result Decode(ThreadPool& pool, const FloorReader& reader, int streams) {
    std::vector<StateSlot> slots;
    for (int s = 0; s < streams; ++s) slots.push_back(*model_->NewState());
    steps_->Step(slots, 1);
    const double begin = Now();
    steps_->Step(slots, 1);
    const int steps = StepsOf(Now() - begin);
    Result result{shape_name_, streams == 1 ? "decode" : "decode, streams",
                  kind_,       pool.threads(),
                  streams,     ""};
    Measure(
        &result,
        [&] {
          const double memory =
              reader.Bandwidth(steps) / matrix_bytes_ * streams;
          const double compute = ComputeFloor(pool, 1);
          result.bound = memory < compute ? "memory" : "multiply-adds";
          return std::min(memory, compute);
        },
        [&] {
          const double start = Now();
          for (int step = 0; step < steps; ++step) steps_->Step(slots, 1);
          return steps * streams / (Now() - start);
        });
    for (StateSlot slot : slots) model_->FreeState(slot);
    return result;
  }

  // Many tokens of one stream, logits of the last: bound by arithmetic.
  Result Prefill(ThreadPool& pool) {
    const std::vector<StateSlot> slots = {*model_->NewState()};
    Result result{shape_name_,           "prefill",      kind_, pool.threads(),
                  options_.prefill_rows, "multiply-adds"};
    Measure(
        &result, [&] { return ComputeFloor(pool, options_.prefill_rows); },
        [&] {
          const double start = Now();
          steps_->Step(slots, options_.prefill_rows);
          return options_.prefill_rows / (Now() - start);
        });
    model_->FreeState(slots[0]);
    return result;
  }

  // Steps of a turn: some 50 ms of them, so that clocks and wakings are small
  // beside it and what else the machine does has not changed meanwhile.
  static int StepsOf(double step_seconds) {
    constexpr double kTurnSeconds = 0.05;
    return std::clamp(static_cast<int>(kTurnSeconds / step_seconds), 1, 8);
  }

  // Weights of matrices.
  struct Numbers {
    double plain = 0;
    double in_blocks = 0;
  };

  // Tokens a second if every token costs its multiply-adds alone; one of
  // `rows_a_logit` needs logits.
  double ComputeFloor(ThreadPool& pool, int rows_a_logit) const {
    const double plain = layers_.plain + head_.plain / rows_a_logit;
    const double in_blocks = layers_.in_blocks + head_.in_blocks / rows_a_logit;
    const bool is_fast = NumericsOf(kind_) == Numerics::kFast;
    double seconds =
        2 * plain /
        (is_fast ? HalfMultiplyAddPeak(pool) : MultiplyAddPeak(pool));
    if (in_blocks > 0) seconds += 2 * in_blocks / ShortMultiplyAddPeak(pool);
    return 1 / seconds;
  }

  void Measure(Result* result, const std::function<double()>& floor,
               const std::function<double()>& run) {
    std::vector<double> floors, runs, fractions;
    run();  // Warms caches and scratch.
    for (int round = 0; round < rounds_; ++round) {
      ShowRound(*result, round);
      const double before = floor();
      runs.push_back(run());
      floors.push_back((before + floor()) / 2);
      fractions.push_back(runs.back() / floors.back());
    }
    result->tokens = SpreadOf(runs);
    result->floor = SpreadOf(floors);
    result->fraction = SpreadOf(fractions);
  }

  // One line about what is under way, on a terminal.
  void ShowRound(const Result& r, int round) const {
    if (isatty(STDERR_FILENO) == 0) return;
    std::fprintf(stderr, "\r%s %s, %d threads, %s of %d rows: round %d of %d ",
                 r.shape.c_str(), r.kind.c_str(), r.threads, r.name.c_str(),
                 r.rows, round + 1, rounds_);
  }

  static void Print(const Result& r) {
    if (isatty(STDERR_FILENO) != 0) std::fprintf(stderr, "\r%78s\r", "");
    std::printf(
        "%-5s %-16s %-7s %7d %5d %8.0f %6.0f..%-6.0f %8.0f  %-13s %4.0f%% "
        "%3.0f..%.0f%%\n",
        r.shape.c_str(), r.name.c_str(), r.kind.c_str(), r.threads, r.rows,
        r.tokens.median, r.tokens.low, r.tokens.high, r.floor.median,
        r.bound.c_str(), 100 * r.fraction.median, 100 * r.fraction.low,
        100 * r.fraction.high);
    std::fflush(stdout);
  }

  const Options options_;
  const std::string shape_name_;
  RandomShape shape_;
  const std::string kind_;
  const int rounds_;
  CpuOps* ops_;  // Owned by the model.
  std::unique_ptr<Model> model_;
  Numbers layers_;
  Numbers head_;  // used for rows with logits only
  int64_t matrix_bytes_ = 0;
  std::unique_ptr<ModelSteps> steps_;
};

nlohmann::json ToJson(const Spread& spread) {
  return {
      {"median", spread.median}, {"low", spread.low}, {"high", spread.high}};
}

void WriteJson(const std::vector<Result>& results, const std::string& path) {
  nlohmann::json list = nlohmann::json::array();
  for (const Result& r : results) {
    list.push_back({{"shape", r.shape},
                    {"name", r.name},
                    {"kind", r.kind},
                    {"threads", r.threads},
                    {"rows", r.rows},
                    {"bound", r.bound},
                    {"tokens_per_second", ToJson(r.tokens)},
                    {"floor_tokens_per_second", ToJson(r.floor)},
                    {"fraction", ToJson(r.fraction)}});
  }
  std::ofstream file(path);
  file << nlohmann::json{{"target", CpuTargetName()}, {"results", list}}.dump(2)
       << "\n";
  if (!file.flush()) std::cerr << path << ": cannot be written\n";
}

}  // namespace
}  // namespace oxbow

int main(int argc, char** argv) {
  oxbow::Options options;
  CLI::App app(
      "Tokens a second of random RWKV-7 models, beside the machine's best.\n"
      "With two cores and all kinds, 0.1B takes about 5 minutes, 0.4B 10 and "
      "1.5B 40, and as much memory as twice the weights and 256 states: 1, 3 "
      "and 9 GB. Fewer --streams, --kinds or --rounds take less.");
  app.add_option("--shape", options.shapes, "0.1B, 0.4B, 1.5B")
      ->delimiter(',')
      ->check(CLI::IsMember(oxbow::ShapeNames()))
      ->capture_default_str();
  app.add_option("--dtype", options.dtype, "bf16 or fp16")
      ->transform(CLI::CheckedTransformer(std::map<std::string, oxbow::DType>{
          {"fp16", oxbow::DType::kF16}, {"bf16", oxbow::DType::kBF16}}));
  app.add_option("--threads", options.threads, "thread counts")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--streams", options.streams, "streams of a decode step")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--prefill_rows", options.prefill_rows, "tokens of a step")
      ->capture_default_str();
  app.add_option("--kinds", options.kinds,
                 "exact, int8, int4; fast (on AVX-512 BF16). Default: all")
      ->delimiter(',')
      ->check(CLI::IsMember({"exact", "int8", "int4", "fast"}));
  app.add_option("--rounds", options.rounds,
                 "of floor and model in turn; default: 15, 7 or 3, by shape");
  app.add_option("--json", options.json, "file for the figures");
  CLI11_PARSE(app, argc, argv);
  if (options.kinds.empty()) options.kinds = oxbow::KindsHere();

  std::printf("RWKV-7 on %s; median and middle half of the rounds\n",
              oxbow::CpuTargetName());
  std::printf("%-5s %-16s %-7s %7s %5s %8s %14s %8s  %-13s %s\n", "shape", "",
              "kind", "threads", "rows", "tokens/s", "", "floor", "bound by",
              "of floor");
  std::vector<oxbow::Result> results;
  for (const std::string& shape : options.shapes) {
    for (const std::string& kind : options.kinds) {
      for (oxbow::Result& result : oxbow::Bench(options, shape, kind).Run()) {
        results.push_back(std::move(result));
      }
    }
  }
  if (!options.json.empty()) oxbow::WriteJson(results, options.json);
  return 0;
}
