// The real client and the real server: the server is killed while the client
// uploads, and nothing is lost, doubled or computed otherwise.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "clients/cli/cli.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/testing/server_process.h"
#include "tests/testing/tiny_model.h"

namespace oxbow::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string Path(const std::string& name) {
  return absl::StrCat(testing::TempDir(), "/restart_test_", getpid(), "_",
                      name);
}

// oxbowd on one port, again and again.
class Daemon {
 public:
  Daemon(std::string model, std::string store, std::string port)
      : words_({"service/oxbowd", "--model=" + model, "--tokenizer=bytes",
                "--store=" + store, "--listen=127.0.0.1:" + port,
                // Small, so that the client is still sending when it dies.
                "--append-window-bytes=65536"}) {
    Start();
  }
  ~Daemon() { Kill(); }
  void Start() {
    pid_ = fork();
    OXBOW_CHECK(pid_ >= 0);
    if (pid_ > 0) return;
    std::vector<char*> argv;
    for (std::string& word : words_) argv.push_back(word.data());
    argv.push_back(nullptr);
    close(STDOUT_FILENO);
    open("/dev/null", O_WRONLY);
    execv(argv[0], argv.data());
    _exit(127);
  }
  void Kill() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

 private:
  std::vector<std::string> words_;
  pid_t pid_ = 0;
};

struct Result {
  int code = 0;
  Json json;
};

Result RunClient(const std::string& address,
                 std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(),
                   {"oxbow", "--server=" + address, "--json"});
  std::vector<const char*> argv;
  for (const std::string& word : arguments) argv.push_back(word.c_str());
  std::ostringstream out, err;
  Streams streams;
  streams.out = &out;
  streams.err = &err;
  Result result;
  result.code = RunCli(argv.size(), argv.data(), streams);
  EXPECT_EQ(err.str(), "");
  if (!out.str().empty()) {
    result.json = Json::parse(out.str().substr(0, out.str().find('\n')));
  }
  return result;
}

int64_t DurableOf(const std::string& address) {
  std::ostringstream out, err;
  Streams streams;
  streams.out = &out;
  streams.err = &err;
  const std::string server = "--server=" + address;
  const char* argv[] = {"oxbow", server.c_str(), "--json", "ls"};
  if (RunCli(4, argv, streams) != 0 || out.str().empty()) return 0;
  return Json::parse(out.str())["durable"];
}

TEST(RestartTest, AnUploadOverKilledServersIsAnUninterruptedOne) {
  const std::string model = Path("tiny.safetensors");
  OXBOW_CHECK_OK(WriteTinyModel(TinyModelOptions(), model));
  std::mt19937 random(7);
  std::string text(400000, ' ');
  for (char& c : text) c = static_cast<char>(random() % 64 + 32);
  const std::string file = Path("document");
  std::ofstream(file, std::ios::binary) << text;

  // A port that is free now.
  auto probe = ServerProcess::Start(
      {"--model=" + model, "--tokenizer=bytes", "--store=" + Path("whole")});
  ASSERT_TRUE(probe.ok()) << probe.status();
  const std::string address = (*probe)->address();
  const Result whole = RunClient(address, {"append", "s", file});
  EXPECT_EQ(whole.code, 0);
  EXPECT_EQ((*probe)->Terminate(), 0);

  Daemon daemon(model, Path("killed"), address.substr(address.rfind(':') + 1));
  Result killed;
  std::thread client([&] {
    killed = RunClient(address, {"append", "s", file, "--chunk-bytes=4096"});
  });
  int kills = 0;
  for (int64_t from = 100000; from <= 300000; from += 100000) {
    int64_t durable = 0;
    while ((durable = DurableOf(address)) < from) {
      absl::SleepFor(absl::Milliseconds(5));
    }
    kills += durable < static_cast<int64_t>(text.size());
    daemon.Kill();
    daemon.Start();
  }
  client.join();
  EXPECT_EQ(killed.code, 0);
  EXPECT_GE(kills, 1) << "the server was never killed before the end";
  EXPECT_EQ(killed.json["byte_offset"], 400000);
  EXPECT_EQ(killed.json["state_digest"], whole.json["state_digest"]);
  // It is all there: nothing is left to resume.
  EXPECT_EQ(
      RunClient(address, {"append", "s", file, "--resume"}).json["durable"],
      400000);
}

// What the client writes for people, and what it says.
std::pair<std::string, std::string> Generated(const std::string& address,
                                              const std::string& seed) {
  const std::string server = "--server=" + address;
  const std::string with_seed = "--seed=" + seed;
  const char* argv[] = {
      "oxbow",           server.c_str(), "generate",         "s",
      with_seed.c_str(), "--top-p=1",    "--max-tokens=1500"};
  std::ostringstream out, err;
  Streams streams;
  streams.out = &out;
  streams.err = &err;
  EXPECT_EQ(RunCli(7, argv, streams), 0) << err.str();
  return {out.str(), err.str()};
}

TEST(RestartTest, AGenerationOverKilledServersIsAnUninterruptedOne) {
  const std::string model = Path("tiny.safetensors");
  OXBOW_CHECK_OK(WriteTinyModel(TinyModelOptions(), model));
  const std::string store = Path("generated");
  auto probe = ServerProcess::Start(
      {"--model=" + model, "--tokenizer=bytes", "--store=" + store});
  ASSERT_TRUE(probe.ok()) << probe.status();
  const std::string address = (*probe)->address();
  const std::string file = Path("beginning");
  std::ofstream(file) << "Once upon a time";
  EXPECT_EQ(RunClient(address, {"append", "s", file}).code, 0);
  const auto whole = Generated(address, "7");
  EXPECT_EQ(whole.second, "");
  EXPECT_EQ((*probe)->Terminate(), 0);

  Daemon daemon(model, store, address.substr(address.rfind(':') + 1));
  bool waited = false;
  for (int round = 0; round < 20 && !waited; ++round) {
    while (DurableOf(address) == 0) {
      absl::SleepFor(absl::Milliseconds(5));
    }
    std::pair<std::string, std::string> killed;
    std::thread client([&] { killed = Generated(address, "7"); });
    absl::SleepFor(absl::Milliseconds(20 + 10 * round));
    daemon.Kill();
    daemon.Start();
    client.join();
    EXPECT_EQ(killed.first, whole.first);
    waited = !killed.second.empty();
  }
  EXPECT_TRUE(waited) << "the server was never killed while it generated";
}

}  // namespace
}  // namespace oxbow::cli
