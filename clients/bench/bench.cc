#include "clients/bench/bench.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/bench/bench_streams.h"
#include "clients/bench/figures.h"
#include "clients/bench/load_source.h"
#include "clients/bench/measure.h"
#include "clients/bench/measure_long.h"
#include "clients/bench/report.h"
#include "clients/bench/stage.h"
#include "clients/cli/call_status.h"
#include "clients/cli/connection.h"

namespace oxbow::bench {
namespace {

constexpr char kDescription[] =
    "oxbow-bench drives a running oxbowd and tells what its users would "
    "feel.\n";

constexpr char kFooter[] = R"(
Loads:
  ingest      streams append without pause: speed, time until a chunk is durable
  generate    streams continue greedily without pause: speed, time to the first
              token and between tokens
  mixed       as many streams of each at once, beside each of them alone
  same-twice  one document into two streams, one after the other
  long        one document of --tokens, in 200 windows: speed and memory at
              its beginning and at its end; then vectors of places in it, each
              beside its distance to the nearest checkpoint. Two million tokens
              of a model that reads 8,000 a second take 4 minutes, 200 such
              vectors another 4. tests/bench/plot_long.py draws its --json

It makes streams of its own, oxbow-bench-*, and deletes them at the end, also
after Ctrl-C. It shares the machine with the server, unless they run on two.
)";

constexpr size_t kRandomBytes = 1 << 20;
constexpr size_t kTextBytesMax = size_t{1} << 30;

struct Flags {
  std::string server = "127.0.0.1:7007";
  std::string load;
  std::vector<int> streams = {1, 8};
  double seconds = 10;
  int chunk_bytes = 4096;
  std::string text;
  std::string json;
  bool keep = false;
  LongOptions long_run;
};

constexpr char kOfLong[] = "Of --load=long";

void AddLongFlags(CLI::App* app, LongOptions* options) {
  app->add_option("--tokens", options->tokens, "How long the document is")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
      ->capture_default_str()
      ->group(kOfLong);
  app->add_option("--embed-every", options->embed_every,
                  "Tokens of a span of its embedding plan")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group(kOfLong);
  app->add_option("--probes", options->probes,
                  "Random places to embed once it is read")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str()
      ->group(kOfLong);
  app->add_option("--server-pid", options->server_pid,
                  "The server's process on this machine: its memory is sampled")
      ->check(CLI::PositiveNumber)
      ->type_name("PID")
      ->group(kOfLong);
}

void AddFlags(CLI::App* app, Flags* flags) {
  app->add_option("--server", flags->server, "The server")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app->add_option("--load", flags->load, "What the streams do; see below")
      ->required()
      ->check(
          CLI::IsMember({"ingest", "generate", "mixed", "same-twice", "long"}));
  app->add_option("--streams", flags->streams,
                  "How many at once; each number is measured by itself")
      ->delimiter(',')
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app->add_option("--seconds", flags->seconds,
                  "How long each is measured, once it is under way")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  app->add_option("--chunk-bytes", flags->chunk_bytes,
                  "Bytes appended at once; more: fewer acks to measure")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app->add_option("--text", flags->text,
                  "A file of text to append, again and again (same-twice: "
                  "once). Without it: random words (same-twice: 1 MiB)")
      ->type_name("FILE");
  app->add_option("--json", flags->json, "Also write the figures to this file")
      ->type_name("FILE");
  app->add_flag("--keep", flags->keep, "Do not delete the streams");
  AddLongFlags(app, &flags->long_run);
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  if (path.empty()) return RandomWords(kRandomBytes);
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff bytes = file ? std::streamoff(file.tellg()) : -1;
  if (bytes < 0) {
    return cli::InputFault(
        absl::StrCat("cannot read ", path, ": give --text a file of text"));
  }
  if (bytes == 0 || bytes > static_cast<std::streamoff>(kTextBytesMax)) {
    return cli::InputFault(absl::StrCat(
        path, " has ", bytes, " bytes: --text takes 1 to ", kTextBytesMax));
  }
  std::string text(bytes, '\0');
  file.seekg(0);
  if (!file.read(text.data(), bytes)) {
    return cli::InputFault(
        absl::StrCat("cannot read ", path, ": give --text a file of text"));
  }
  return text;
}

// The others take as long as they take.
bool HasWindow(const Flags& flags) {
  return flags.load != "same-twice" && flags.load != "long";
}
bool Ingests(const Flags& flags) { return flags.load != "generate"; }
bool Generates(const Flags& flags) {
  return flags.load == "generate" || flags.load == "mixed";
}

absl::Status CheckModel(const Flags& flags, const v1::GetModelResponse& model) {
  if (!model.tokenizer().reads_text()) {
    return cli::DataFault(
        "the server reads token ids only: start it with --tokenizer to be "
        "measured");
  }
  if (Generates(flags) && !model.generator().has_language_head()) {
    return cli::DataFault(
        "the server's model cannot generate: measure it with --load=ingest");
  }
  return absl::OkStatus();
}

absl::Status CheckLimits(const Flags& flags,
                         const v1::GetLimitsResponse& limits) {
  if (!HasWindow(flags)) return absl::OkStatus();
  const int most =
      *std::max_element(flags.streams.begin(), flags.streams.end());
  if (Ingests(flags) && most > limits.append_calls_max()) {
    return cli::UsageFault(absl::StrCat(
        "--streams=", most, ": the server takes ", limits.append_calls_max(),
        " Append calls at once; ask for fewer or start it with more "
        "--append-calls"));
  }
  if (Generates(flags) && most > limits.running_requests_max()) {
    return cli::UsageFault(
        absl::StrCat("--streams=", most, ": the server takes ",
                     limits.running_requests_max(),
                     " Generate calls at once; ask for fewer or start it with "
                     "more --running-requests"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Asked> Ask(const Flags& flags, cli::Connection* connection) {
  Asked asked;
  asked.load = flags.load;
  asked.server = flags.server;
  if (HasWindow(flags)) asked.seconds = flags.seconds;
  asked.chunk_bytes = flags.chunk_bytes;
  asked.text = flags.text;
  asked.cores = std::thread::hardware_concurrency();
  getloadavg(&asked.load_average, 1);
  absl::StatusOr<v1::GetModelResponse> model =
      cli::Ask(&connection->models(), &v1::Models::Stub::GetModel,
               v1::GetModelRequest());
  if (absl::IsUnavailable(model.status())) {
    return absl::UnavailableError(absl::StrCat(
        "no server answers at ", flags.server,
        ": start one with `./dev run`, or say where it is with --server (",
        model.status().message(), ")"));
  }
  RETURN_IF_ERROR(model.status());
  asked.model = *std::move(model);
  RETURN_IF_ERROR(CheckModel(flags, asked.model));
  ASSIGN_OR_RETURN(const v1::GetLimitsResponse limits,
                   cli::Ask(&connection->models(), &v1::Models::Stub::GetLimits,
                            v1::GetLimitsRequest()));
  RETURN_IF_ERROR(CheckLimits(flags, limits));
  return asked;
}

absl::StatusOr<Figures> Measure(const Flags& flags, const Stage& stage) {
  Figures figures;
  if (flags.load == "same-twice") {
    ASSIGN_OR_RETURN(figures.twice, MeasureTwice(stage, stage.corpus.size()));
    return figures;
  }
  if (flags.load == "long") {
    ASSIGN_OR_RETURN(figures.long_run, MeasureLong(stage, flags.long_run));
    return figures;
  }
  const auto measure = flags.load == "ingest"     ? MeasureIngest
                       : flags.load == "generate" ? MeasureGenerate
                                                  : MeasureMixed;
  for (const int streams : flags.streams) {
    ASSIGN_OR_RETURN(LoadRun run, measure(stage, streams));
    figures.runs.push_back(std::move(run));
  }
  return figures;
}

absl::Status WriteJson(const std::string& path, const Json& json) {
  std::ofstream file(path);
  file << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  file.close();
  if (file) return absl::OkStatus();
  return cli::InputFault(absl::StrCat(
      "cannot write ", path, ": give --json a file in a folder that is there"));
}

absl::Status Bench(const Flags& flags, const Surroundings& surroundings) {
  Stage stage;
  ASSIGN_OR_RETURN(stage.corpus, ReadText(flags.text));
  cli::Connection connection(flags.server);
  ASSIGN_OR_RETURN(const Asked asked, Ask(flags, &connection));
  BenchStreams streams(&connection, flags.keep);
  stage.server = flags.server;
  stage.connection = &connection;
  stage.streams = &streams;
  stage.chunk_bytes = flags.chunk_bytes;
  stage.window = absl::Seconds(flags.seconds);
  stage.interrupted = surroundings.interrupted;
  stage.err = surroundings.err;
  stage.err_is_terminal = surroundings.err_is_terminal;
  const absl::StatusOr<Figures> figures = Measure(flags, stage);
  const absl::Status deleted = streams.DeleteAll();
  if (!figures.ok()) {
    if (!deleted.ok()) {
      *surroundings.err << "oxbow-bench: " << deleted.message() << std::endl;
    }
    return figures.status();
  }
  PrintTables(asked, *figures, surroundings.out);
  if (flags.keep) {
    *surroundings.out << "\nkept: streams named " << streams.prefix() << "..."
                      << std::endl;
  }
  if (!flags.json.empty()) {
    RETURN_IF_ERROR(WriteJson(flags.json, ToJson(asked, *figures)));
  }
  return deleted;
}

// What the load has no use for, in a sentence; "": nothing.
std::string Misfit(const CLI::App& app, const Flags& flags) {
  if (!HasWindow(flags) &&
      app.count("--streams") + app.count("--seconds") > 0) {
    return absl::StrCat("--load=", flags.load,
                        " takes no --streams and no --seconds: it is one "
                        "stream after the other, for as long as the document "
                        "takes");
  }
  for (const char* name :
       {"--tokens", "--embed-every", "--probes", "--server-pid"}) {
    if (flags.load != "long" && app.count(name) > 0) {
      return absl::StrCat(name, " is for --load=long");
    }
  }
  return "";
}

}  // namespace

int RunBench(int argc, const char* const* argv,
             const Surroundings& surroundings) {
  CLI::App app(kDescription, "oxbow-bench");
  app.footer(kFooter);
  Flags flags;
  AddFlags(&app, &flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return app.exit(error, *surroundings.out, *surroundings.err);
    }
    *surroundings.err << "oxbow-bench: " << error.what()
                      << "; see oxbow-bench --help" << std::endl;
    return cli::kExitUsage;
  }
  const std::string misfit = Misfit(app, flags);
  if (!misfit.empty()) {
    *surroundings.err << "oxbow-bench: " << misfit << std::endl;
    return cli::kExitUsage;
  }
  const absl::Status status = Bench(flags, surroundings);
  if (status.ok()) return cli::kExitOk;
  if (absl::IsCancelled(status)) {
    *surroundings.err << "oxbow-bench: interrupted before there were figures"
                      << std::endl;
    return kExitInterrupted;
  }
  *surroundings.err << "oxbow-bench: " << cli::Sentence(status) << std::endl;
  return cli::ExitCodeOf(status);
}

}  // namespace oxbow::bench
