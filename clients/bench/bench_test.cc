// The real oxbow-bench against a real oxbowd with a tiny model: the figures are
// there, they are possible, and no stream is left.
#include "clients/bench/bench.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "clients/bench/load_source.h"
#include "clients/cli/connection.h"
#include "clients/cli/patience.h"
#include "clients/cli/uploader.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/testing/server_process.h"
#include "tests/testing/tiny_model.h"

namespace oxbow::bench {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class BenchTest : public testing::Test {
 protected:
  BenchTest() {
    const std::string model = Path("tiny.safetensors");
    OXBOW_CHECK_OK(WriteTinyModel(TinyModelOptions(), model));
    auto server = ServerProcess::Start({"--model=" + model, "--tokenizer=bytes",
                                        "--store=" + Path("store"),
                                        "--threads=1", "--append-calls=100"});
    OXBOW_CHECK_OK(server.status());
    server_ = *std::move(server);
  }

  static std::string Path(const std::string& name) {
    return absl::StrCat(
        testing::TempDir(), "/",
        testing::UnitTest::GetInstance()->current_test_info()->name(), "_",
        name);
  }

  // The exit code.
  int Run(std::vector<std::string> flags) {
    flags.insert(flags.begin(),
                 {"oxbow-bench", "--server=" + server_->address()});
    std::vector<const char*> argv;
    for (const std::string& word : flags) argv.push_back(word.c_str());
    Surroundings surroundings;
    surroundings.out = &out_;
    surroundings.err = &err_;
    surroundings.interrupted = &interrupted_;
    return RunBench(argv.size(), argv.data(), surroundings);
  }

  // What it wrote with --json, after a run that must be well.
  Json Figures(std::vector<std::string> flags) {
    const std::string path = Path("figures.json");
    flags.push_back("--json=" + path);
    EXPECT_EQ(Run(flags), 0) << err_.str();
    std::ifstream file(path);
    return Json::parse(file);
  }

  std::vector<std::string> StreamsLeft() {
    cli::Connection connection(server_->address());
    OXBOW_CHECK_OK(connection.WaitUntilConnected(absl::Seconds(10)));
    const auto list =
        cli::Ask(&connection.streams(), &v1::Streams::Stub::ListStreams,
                 v1::ListStreamsRequest());
    OXBOW_CHECK_OK(list.status());
    std::vector<std::string> names;
    for (const auto& stream : list->streams()) {
      names.push_back(stream.stream_id());
    }
    return names;
  }

  std::unique_ptr<ServerProcess> server_;
  std::ostringstream out_, err_;
  std::atomic<bool> interrupted_{false};
};

void ExpectPossible(const Json& latencies) {
  ASSERT_GT(latencies["count"], 0);
  EXPECT_GT(latencies["p50_seconds"], 0);
  EXPECT_LE(latencies["p50_seconds"], latencies["p99_seconds"]);
  EXPECT_LT(latencies["p99_seconds"], 60);
}

void ExpectIngest(const Json& figures, double seconds) {
  EXPECT_GE(figures["seconds"], seconds);
  EXPECT_LT(figures["seconds"], seconds + 5);
  EXPECT_GT(figures["tokens"], 0);
  // A token is a byte.
  EXPECT_EQ(figures["tokens"], figures["bytes"]);
  EXPECT_NEAR(
      figures["tokens_per_second"],
      figures["tokens"].get<double>() / figures["seconds"].get<double>(), 1e-6);
  ExpectPossible(figures["ack"]);
}

void ExpectGenerate(const Json& figures, double seconds, int streams) {
  EXPECT_GE(figures["seconds"], seconds);
  ExpectPossible(figures["first_token"]);
  ExpectPossible(figures["inter_token"]);
  EXPECT_EQ(figures["tokens"],
            figures["first_token"]["count"].get<int64_t>() +
                figures["inter_token"]["count"].get<int64_t>());
  // Tokens of a stream do not overlap: half of them took the median or more.
  EXPECT_LE(figures["inter_token"]["count"].get<double>() / 2 *
                figures["inter_token"]["p50_seconds"].get<double>(),
            streams * (figures["seconds"].get<double>() + 1));
}

TEST_F(BenchTest, IngestsAndSaysHowFast) {
  const Json json = Figures(
      {"--load=ingest", "--streams=1,3", "--seconds=0.5", "--chunk-bytes=512"});
  EXPECT_EQ(json["load"], "ingest");
  EXPECT_EQ(json["seconds"], 0.5);
  EXPECT_EQ(json["model"]["version"], "RWKV-7");
  ASSERT_EQ(json["runs"].size(), 2);
  EXPECT_EQ(json["runs"][0]["streams"], 1);
  EXPECT_EQ(json["runs"][1]["streams"], 3);
  for (const Json& run : json["runs"]) {
    ExpectIngest(run["ingest_solo"], 0.5);
    EXPECT_FALSE(run.contains("generate_idle"));
  }
  EXPECT_THAT(out_.str(), HasSubstr("0.5 s each, random words"));
  EXPECT_THAT(out_.str(), HasSubstr("ack p99 ms"));
  EXPECT_EQ(err_.str(), "") << "no progress of what is over soon";
  EXPECT_THAT(StreamsLeft(), testing::IsEmpty());
}

TEST_F(BenchTest, GeneratesAndSaysHowFast) {
  const Json json = Figures(
      {"--load=generate", "--streams=3", "--seconds=0.5", "--chunk-bytes=512"});
  ASSERT_EQ(json["runs"].size(), 1);
  ExpectGenerate(json["runs"][0]["generate_idle"], 0.5, 3);
  EXPECT_FALSE(json["runs"][0].contains("ingest_solo"));
  EXPECT_THAT(out_.str(), HasSubstr("first p50 ms"));
  EXPECT_THAT(StreamsLeft(), testing::IsEmpty());
}

TEST_F(BenchTest, MixesBothBesideEachAlone) {
  const Json json = Figures(
      {"--load=mixed", "--streams=2", "--seconds=0.5", "--chunk-bytes=512"});
  ASSERT_EQ(json["runs"].size(), 1);
  const Json& run = json["runs"][0];
  ExpectIngest(run["ingest_solo"], 0.5);
  ExpectIngest(run["ingest_mixed"], 0.5);
  ExpectGenerate(run["generate_idle"], 0.5, 2);
  ExpectGenerate(run["generate_mixed"], 0.5, 2);
  EXPECT_DOUBLE_EQ(
      run["inter_token_p99_ratio"],
      run["generate_mixed"]["inter_token"]["p99_seconds"].get<double>() /
          run["generate_idle"]["inter_token"]["p99_seconds"].get<double>());
  EXPECT_DOUBLE_EQ(run["ingest_ratio"],
                   run["ingest_mixed"]["tokens_per_second"].get<double>() /
                       run["ingest_solo"]["tokens_per_second"].get<double>());
  EXPECT_THAT(out_.str(), HasSubstr("x its idle value"));
  EXPECT_THAT(StreamsLeft(), testing::IsEmpty());
}

TEST_F(BenchTest, IngestsOneDocumentTwice) {
  const std::string path = Path("text");
  std::ofstream(path) << std::string(20000, 'x');
  const Json json = Figures({"--load=same-twice", "--text=" + path});
  const Json& twice = json["twice"];
  EXPECT_EQ(twice["bytes"], 20000);
  EXPECT_EQ(twice["tokens"], 20000);
  EXPECT_GT(twice["first_seconds"], 0);
  EXPECT_GT(twice["second_seconds"], 0);
  EXPECT_DOUBLE_EQ(twice["ratio"], twice["first_seconds"].get<double>() /
                                       twice["second_seconds"].get<double>());
  EXPECT_THAT(StreamsLeft(), testing::IsEmpty());
}

TEST_F(BenchTest, ReadsALongDocumentAndAsksAboutPlacesInIt) {
  const Json json = Figures(
      {"--load=long", "--tokens=20000", "--embed-every=100", "--probes=5",
       absl::StrCat("--server-pid=", server_->pid()), "--chunk-bytes=512"});
  const Json& run = json["long"];
  EXPECT_GE(run["tokens"], 20000);
  EXPECT_EQ(run["tokens"], run["bytes"]);
  EXPECT_EQ(run["embeddings_expected"], run["tokens"].get<int64_t>() / 100);
  EXPECT_EQ(run["embeddings_stored"], run["embeddings_expected"]);
  ASSERT_GT(run["windows"].size(), 10);
  int64_t end = 0;
  for (const Json& window : run["windows"]) {
    EXPECT_GT(window["token_end"], end);
    end = window["token_end"];
    EXPECT_GT(window["tokens_per_second"], 0);
    EXPECT_GT(window["resident_bytes"], 1 << 20);
  }
  EXPECT_GE(end, 20000);
  EXPECT_GT(run["resident_ratio"], 0.1);
  ASSERT_EQ(run["probes"].size(), 5);
  for (const Json& probe : run["probes"]) {
    // A token is a byte; a checkpoint comes every 4,096.
    EXPECT_EQ(probe["token_offset"], probe["byte_offset"]);
    EXPECT_EQ(probe["distance_tokens"],
              probe["token_offset"].get<int64_t>() % 4096);
    EXPECT_GT(probe["seconds"], 0);
  }
  EXPECT_THAT(out_.str(), HasSubstr("last / first"));
  EXPECT_THAT(StreamsLeft(), testing::IsEmpty());
}

TEST_F(BenchTest, KeepsItsStreamsIfAsked) {
  EXPECT_EQ(Run({"--load=ingest", "--streams=2", "--seconds=0.1", "--keep"}), 0)
      << err_.str();
  EXPECT_THAT(StreamsLeft(),
              testing::ElementsAre(testing::StartsWith("oxbow-bench-"),
                                   testing::StartsWith("oxbow-bench-")));
}

TEST_F(BenchTest, LeavesNothingAfterAnInterruption) {
  std::thread interrupter([this] {
    while (StreamsLeft().size() < 4) absl::SleepFor(absl::Milliseconds(5));
    absl::SleepFor(absl::Milliseconds(200));
    interrupted_ = true;
  });
  const absl::Time begin = absl::Now();
  EXPECT_EQ(Run({"--load=ingest", "--streams=4", "--seconds=600"}),
            kExitInterrupted);
  interrupter.join();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
  EXPECT_THAT(err_.str(), HasSubstr("interrupted"));
  EXPECT_THAT(StreamsLeft(), testing::IsEmpty());
}

TEST_F(BenchTest, AnUploadKeepsNearTheModelUntilItIsCancelled) {
  cli::Connection connection(server_->address());
  OXBOW_CHECK_OK(connection.WaitUntilConnected(absl::Seconds(10)));
  v1::CreateStreamRequest create;
  create.set_stream_id("s");
  OXBOW_CHECK_OK(
      cli::Ask(&connection.streams(), &v1::Streams::Stub::CreateStream, create)
          .status());
  const std::string corpus = RandomWords(10000);
  LoadSource source(corpus, "s", 1000, absl::nullopt);
  // It would wait for a broken server; a cancelled upload is none.
  cli::Patience patience(absl::Hours(1), [](absl::string_view) {});
  std::atomic<int64_t> farthest{0}, applied{0};
  cli::Uploader uploader(&connection, "s", absl::nullopt, &source, &patience,
                         [&](const v1::AppendAck& ack) {
                           applied = ack.applied().byte_offset();
                           farthest = std::max<int64_t>(
                               farthest, ack.durable().byte_offset() - applied);
                         });
  uploader.LimitAhead(3000);
  std::thread canceller([&] {
    while (applied < 20000) absl::SleepFor(absl::Milliseconds(1));
    uploader.Cancel();
  });
  EXPECT_TRUE(absl::IsAborted(uploader.Run()));
  canceller.join();
  EXPECT_GT(farthest, 0);
  EXPECT_LT(farthest, 3000 + 1000);
  EXPECT_TRUE(absl::IsAborted(uploader.Run())) << "cancelled for good";
}

TEST_F(BenchTest, EndsWithTheServerAndSaysWhatIsLeft) {
  std::thread killer([this] {
    while (StreamsLeft().size() < 2) absl::SleepFor(absl::Milliseconds(5));
    server_->Kill();
  });
  EXPECT_EQ(Run({"--load=ingest", "--streams=2", "--seconds=600"}), 69);
  killer.join();
  EXPECT_THAT(err_.str(), HasSubstr("they expire within a day"));
  EXPECT_EQ(Run({"--load=ingest"}), 69);
  EXPECT_THAT(err_.str(), HasSubstr("no server answers at"));
}

TEST_F(BenchTest, SaysWhatToDoAboutAWrongCommandLine) {
  EXPECT_EQ(Run({"--load=ingest", "--streams=101"}), 64);
  EXPECT_THAT(err_.str(), HasSubstr("ask for fewer or start it with more "
                                    "--append-calls"));
  EXPECT_EQ(Run({"--load=same-twice", "--streams=2"}), 64);
  EXPECT_EQ(Run({"--load=long", "--seconds=2"}), 64);
  EXPECT_EQ(Run({"--load=ingest", "--tokens=100000"}), 64);
  EXPECT_THAT(err_.str(), HasSubstr("--tokens is for --load=long"));
  EXPECT_EQ(Run({"--load=long", "--server-pid=4194305"}), 64);
  EXPECT_THAT(err_.str(), HasSubstr("no such process here"));
  EXPECT_EQ(Run({"--load=nothing"}), 64);
  EXPECT_EQ(Run({}), 64);
  EXPECT_EQ(Run({"--load=ingest", "--text=" + Path("none")}), 66);
  EXPECT_THAT(StreamsLeft(), testing::IsEmpty());
}

}  // namespace
}  // namespace oxbow::bench
