// What is left of the model's own speed when a text comes through the engine,
// through its durable log, and through gRPC.
//
//   bazel run //tests/bench:ingest_share
//
// Each round reads one text in every way, one after the other, so that
// neighbours on the machine slow all alike; a share is the median over the
// rounds' own. Every round's text begins otherwise: a server need not compute
// again what it has read from its beginning before.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "clients/bench/load_source.h"
#include "clients/cli/status_line.h"
#include "nlohmann/json.hpp"
#include "store/memory_store.h"
#include "store/rocks_store.h"
#include "tests/bench/random_shapes.h"
#include "tests/bench/reading_way.h"
#include "tests/bench/spread.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {
namespace {

struct Options {
  ReadModel model;
  std::string shape = "0.1B";
  int64_t bytes = 1 << 14;
  int rounds = 9;
  std::string json;
};

// Goes with all that is in it.
class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "oxbow-XXXXXX";
    path_ = mkdtemp(name.data()) != nullptr ? name : "";
  }
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }  // "": there is none

 private:
  std::string path_;
};

struct Way {
  std::string name;
  std::unique_ptr<ReadingWay> way;
  std::vector<double> speeds;      // tokens a second, a round each
  std::vector<double> cpu_speeds;  // tokens a second of processor
};

absl::Status WriteRandomModel(const std::string& shape_name,
                              const std::string& path) {
  const RandomShape shape = ShapeOf(shape_name);
  TinyModelOptions options;
  options.layers = shape.layers;
  options.width = shape.width;
  options.head_size = shape.head_size;
  options.vocabulary_size = shape.vocabulary_size;
  options.ffn_width = shape.ffn_width;
  options.w_rank = shape.w_rank;
  options.a_rank = shape.a_rank;
  options.v_rank = shape.v_rank;
  options.g_rank = shape.g_rank;
  return WriteTinyModel(options, path);
}

absl::StatusOr<std::vector<Way>> MakeWays(const ReadModel& model,
                                          const std::string& folder) {
  std::vector<Way> ways(4);
  ways[0].name = "the model alone";
  ASSIGN_OR_RETURN(ways[0].way, NewModelWay(model));
  ways[1].name = "engine, nothing durable";
  ASSIGN_OR_RETURN(ways[1].way,
                   NewEngineWay(model, std::make_unique<MemoryStore>()));
  ways[2].name = "engine, durable";
  RocksStoreOptions store;
  store.path = folder + "/engine";
  ASSIGN_OR_RETURN(auto rocks, OpenRocksStore(store));
  ASSIGN_OR_RETURN(ways[2].way, NewEngineWay(model, std::move(rocks)));
  ways[3].name = "gRPC, durable";
  ASSIGN_OR_RETURN(ways[3].way, NewServerWay(model, folder + "/server"));
  return ways;
}

// The same text but for its beginning: nobody has read it before.
std::string TextOf(int round, const std::string& words) {
  return absl::StrFormat("%06d\n%s", round, words);
}

absl::Status Measure(const Options& options, const std::string& words,
                     std::vector<Way>* ways) {
  cli::StatusLine line(&std::cerr, isatty(STDERR_FILENO) == 1);
  // Round 0 warms.
  for (int round = 0; round <= options.rounds; ++round) {
    const std::string text = TextOf(round, words);
    ASSIGN_OR_RETURN(const int64_t tokens, CountTokens(options.model, text));
    for (Way& way : *ways) {
      line.Show(absl::Now(), [&] {
        return absl::StrFormat("round %d of %d: %s", round, options.rounds,
                               way.name);
      });
      ASSIGN_OR_RETURN(const Reading reading, way.way->Read(text));
      if (round == 0) continue;
      way.speeds.push_back(tokens / reading.seconds);
      way.cpu_speeds.push_back(tokens / reading.cpu_seconds);
    }
  }
  line.Finish("");
  return absl::OkStatus();
}

// Of `speeds` in `whole`, round by round.
Spread Share(const std::vector<double>& speeds,
             const std::vector<double>& whole) {
  std::vector<double> shares;
  for (size_t round = 0; round < speeds.size(); ++round) {
    shares.push_back(speeds[round] / whole[round]);
  }
  return SpreadOf(shares);
}

std::string Percent(const Spread& share) {
  return absl::StrFormat("%5.1f %%  %5.1f..%.1f", 100 * share.median,
                         100 * share.low, 100 * share.high);
}

void Print(const std::vector<Way>& ways) {
  std::printf("%-26s %10s   %-24s %s\n", "", "tokens/s", "of the model alone",
              "the same of processor time");
  for (const Way& way : ways) {
    std::printf("%-26s %10.0f   %-24s %s\n", way.name.c_str(),
                SpreadOf(way.speeds).median,
                Percent(Share(way.speeds, ways[0].speeds)).c_str(),
                Percent(Share(way.cpu_speeds, ways[0].cpu_speeds)).c_str());
  }
  std::printf("durable acks leave %s of what the engine reads without\n",
              Percent(Share(ways[2].speeds, ways[1].speeds)).c_str());
}

void WriteJson(const std::vector<Way>& ways, const std::string& path) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Way& way : ways) {
    list.push_back({{"name", way.name},
                    {"tokens_per_second", way.speeds},
                    {"tokens_per_cpu_second", way.cpu_speeds}});
  }
  std::ofstream file(path);
  file << list.dump(2) << "\n";
  if (!file.flush()) std::cerr << path << ": cannot be written\n";
}

absl::Status Run(Options options) {
  const Folder folder;
  if (folder.path().empty()) {
    return absl::InternalError("no folder can be made in TMPDIR");
  }
  if (options.model.path.empty()) {
    options.model.path = folder.path() + "/random.safetensors";
    RETURN_IF_ERROR(WriteRandomModel(options.shape, options.model.path));
  }
  const std::string words = bench::RandomWords(options.bytes);
  ASSIGN_OR_RETURN(const int64_t tokens,
                   CountTokens(options.model, TextOf(0, words)));
  ASSIGN_OR_RETURN(std::vector<Way> ways,
                   MakeWays(options.model, folder.path()));
  double load = 0;
  getloadavg(&load, 1);
  std::printf("%s, %lld tokens in chunks of %zu bytes, %d rounds, load %.1f\n",
              options.model.path.c_str(), static_cast<long long>(tokens),
              kChunkBytes, options.rounds, load);
  RETURN_IF_ERROR(Measure(options, words, &ways));
  Print(ways);
  if (!options.json.empty()) WriteJson(ways, options.json);
  return absl::OkStatus();
}

}  // namespace
}  // namespace oxbow

int main(int argc, char** argv) {
  oxbow::Options options;
  options.model.tokenizer = "world:models/oxbow-tiny-generator.vocab";
  CLI::App app(
      "What is left of a model's speed through the engine, its log and gRPC. "
      "About 25 s a round with two cores and the default shape; four copies of "
      "the model are in memory.");
  app.add_option("--shape", options.shape, "of a random RWKV-7")
      ->check(CLI::IsMember(oxbow::ShapeNames()))
      ->capture_default_str();
  app.add_option("--model", options.model.path, "a model file instead");
  app.add_option("--tokenizer", options.model.tokenizer, "as oxbowd takes it")
      ->capture_default_str();
  app.add_option("--threads", options.model.threads, "0: all cores");
  app.add_option("--bytes", options.bytes, "of the text, random words")
      ->check(CLI::Range(1, 1 << 28))
      ->capture_default_str();
  app.add_option("--rounds", options.rounds, "of all ways in turn")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--json", options.json, "file for every round's figures");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = oxbow::Run(std::move(options));
  if (!status.ok()) std::cerr << "ingest_share: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
