// Tokens a second of a random model, beside what the machine can do at best.
//
//   ./dev bench            or: bazel run //tests/bench:model_bench
//
// One token at a time (decode) is bound by reading all weights once; many
// tokens at a time (prefill) by multiply-adds. Each round measures the floor
// and then the model, so that neighbours on the machine slow both alike; the
// fraction is the median over the rounds' own fractions. Weights in blocks are
// multiplied as 16-bit integers, twice as fast as fp32 where there is AVX-512
// VNNI, and fast numerics multiply bf16: each floor is made of its own.
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
#include "tests/bench/random_source.h"

namespace oxbow {
namespace {

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct Options {
  RandomShape shape;
  std::vector<int> threads = {1, 2};
  int rounds = 15;
  int prefill_rows = 512;
  std::vector<int> streams = {1, 4, 16, 64};
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
  if (HasHalfProduct()) kinds.push_back("fast");
  return kinds;
}

// The middle of some figures, and half of them around it.
struct Spread {
  double median = 0, low = 0, high = 0;
};

Spread SpreadOf(std::vector<double> figures) {
  std::sort(figures.begin(), figures.end());
  const size_t count = figures.size();
  return {figures[count / 2], figures[count / 4],
          figures[count - 1 - count / 4]};
}

struct Result {
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
  Bench(const Options& options, const std::string& kind)
      : options_(options), kind_(kind) {
    MakeModelOptions make;
    make.precision = PrecisionOf(kind);
    auto catalog = TensorCatalog::Make(NewRandomSource(options.shape));
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
  }

  std::vector<Result> Run() {
    std::vector<Result> results;
    for (int threads : options_.threads) {
      ops_->SetThreads(threads);
      ThreadPool pool(threads);
      for (int streams : options_.streams) {
        results.push_back(Decode(pool, streams));
        Print(results.back());
      }
      results.push_back(Prefill(pool));
      Print(results.back());
    }
    return results;
  }

 private:
  double MatrixBytes() const { return static_cast<double>(matrix_bytes_); }

  // One token of each of `streams`, with logits: bound by reading weights.
  Result Decode(ThreadPool& pool, int streams) {
    const FloorBuffer buffer(static_cast<size_t>(MatrixBytes()));
    std::vector<StateSlot> slots;
    for (int s = 0; s < streams; ++s) slots.push_back(*model_->NewState());
    const int steps = streams == 1 ? 6 : 2;
    Result result{streams == 1 ? "decode" : "decode, streams", kind_,
                  pool.threads(), streams, ""};
    Measure(
        &result,
        [&] {
          const double memory =
              ReadBandwidth(pool, buffer) / MatrixBytes() * streams;
          const double compute = ComputeFloor(pool, 1);
          result.bound = memory < compute ? "memory" : "multiply-adds";
          return std::min(memory, compute);
        },
        [&] {
          const double start = Now();
          for (int step = 0; step < steps; ++step) Step(slots, 1);
          return steps * streams / (Now() - start);
        });
    for (StateSlot slot : slots) model_->FreeState(slot);
    return result;
  }

  // Many tokens of one stream, logits of the last: bound by arithmetic.
  Result Prefill(ThreadPool& pool) {
    const std::vector<StateSlot> slots = {*model_->NewState()};
    Result result{"prefill", kind_, pool.threads(), options_.prefill_rows,
                  "multiply-adds"};
    Measure(
        &result, [&] { return ComputeFloor(pool, options_.prefill_rows); },
        [&] {
          const double start = Now();
          Step(slots, options_.prefill_rows);
          return options_.prefill_rows / (Now() - start);
        });
    model_->FreeState(slots[0]);
    return result;
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

  // `rows` tokens for each slot, then logits of each one's last.
  void Step(const std::vector<StateSlot>& slots, int rows) {
    Batch batch;
    batch.slots = slots;
    for (size_t s = 0; s < slots.size(); ++s) {
      for (int row = 0; row < rows; ++row) {
        batch.tokens.push_back(++token_ % options_.shape.vocabulary_size);
      }
      batch.row_end.push_back(static_cast<int>(batch.tokens.size()));
      batch.hidden_rows.push_back(batch.row_end.back() - 1);
    }
    hidden_.resize(slots.size() * options_.shape.width);
    logits_.resize(slots.size() * options_.shape.vocabulary_size);
    model_->Step(batch, absl::MakeSpan(hidden_));
    model_->Logits(hidden_, absl::MakeSpan(logits_));
  }

  void Measure(Result* result, const std::function<double()>& floor,
               const std::function<double()>& run) {
    std::vector<double> floors, runs, fractions;
    run();  // Warms caches and scratch.
    for (int round = 0; round < options_.rounds; ++round) {
      const double before = floor();
      runs.push_back(run());
      floors.push_back((before + floor()) / 2);
      fractions.push_back(runs.back() / floors.back());
    }
    result->tokens = SpreadOf(runs);
    result->floor = SpreadOf(floors);
    result->fraction = SpreadOf(fractions);
  }

  static void Print(const Result& r) {
    std::printf(
        "%-16s %-7s %7d %5d %8.0f %6.0f..%-6.0f %8.0f  %-13s %4.0f%% "
        "%3.0f..%.0f%%\n",
        r.name.c_str(), r.kind.c_str(), r.threads, r.rows, r.tokens.median,
        r.tokens.low, r.tokens.high, r.floor.median, r.bound.c_str(),
        100 * r.fraction.median, 100 * r.fraction.low, 100 * r.fraction.high);
    std::fflush(stdout);
  }

  const Options options_;
  const std::string kind_;
  CpuOps* ops_;  // Owned by the model.
  std::unique_ptr<Model> model_;
  Numbers layers_;
  Numbers head_;  // used for rows with logits only
  int64_t matrix_bytes_ = 0;
  int token_ = 0;
  std::vector<float> hidden_, logits_;
};

nlohmann::json ToJson(const Spread& spread) {
  return {
      {"median", spread.median}, {"low", spread.low}, {"high", spread.high}};
}

void WriteJson(const std::vector<Result>& results, const std::string& path) {
  nlohmann::json list = nlohmann::json::array();
  for (const Result& r : results) {
    list.push_back({{"name", r.name},
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
      "Tokens a second of a random RWKV-7, beside the machine's best.");
  app.add_option("--layers", options.shape.layers, "layers");
  app.add_option("--width", options.shape.width, "channels");
  app.add_option("--ffn_width", options.shape.ffn_width, "channels of the FFN");
  app.add_option("--vocabulary_size", options.shape.vocabulary_size, "tokens");
  app.add_option("--dtype", options.shape.dtype, "bf16 or fp16")
      ->transform(CLI::CheckedTransformer(std::map<std::string, oxbow::DType>{
          {"fp16", oxbow::DType::kF16}, {"bf16", oxbow::DType::kBF16}}));
  app.add_option("--threads", options.threads, "thread counts")->delimiter(',');
  app.add_option("--streams", options.streams, "streams of a decode step")
      ->delimiter(',');
  app.add_option("--prefill_rows", options.prefill_rows, "tokens of a step");
  app.add_option("--kinds", options.kinds,
                 "exact, int8, int4; fast (on AVX-512 BF16)")
      ->delimiter(',')
      ->check(CLI::IsMember({"exact", "int8", "int4", "fast"}));
  app.add_option("--rounds", options.rounds, "of floor and model in turn");
  app.add_option("--json", options.json, "file for the figures");
  CLI11_PARSE(app, argc, argv);
  if (options.kinds.empty()) options.kinds = oxbow::KindsHere();

  std::printf("RWKV-7 L%d D%d V%d on %s; median and middle half of %d rounds\n",
              options.shape.layers, options.shape.width,
              options.shape.vocabulary_size, oxbow::CpuTargetName(),
              options.rounds);
  std::printf("%-16s %-7s %7s %5s %8s %14s %8s  %-13s %s\n", "", "kind",
              "threads", "rows", "tokens/s", "", "floor", "bound by",
              "of floor");
  std::vector<oxbow::Result> results;
  for (const std::string& kind : options.kinds) {
    for (oxbow::Result& result : oxbow::Bench(options, kind).Run()) {
      results.push_back(std::move(result));
    }
  }
  if (!options.json.empty()) oxbow::WriteJson(results, options.json);
  return 0;
}
