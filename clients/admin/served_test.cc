// An operator's day with a real server: backup while it serves, restore,
// verify with its model, serve again.
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "clients/admin/admin.h"
#include "clients/cli/cli.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/server_process.h"
#include "tests/testing/tiny_model.h"

namespace oxbow::admin {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

struct Result {
  int code = 0;
  std::string out;
  std::string err;
};

std::vector<const char*> ToArgv(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(argument.c_str());
  }
  return argv;
}

class ServedTest : public testing::Test {
 protected:
  ServedTest() {
    fs::create_directories(folder_);
    OXBOW_CHECK_OK(WriteTinyModel(TinyModelOptions(), Path("tiny.pth")));
  }
  ~ServedTest() override {
    std::error_code error;
    fs::remove_all(folder_, error);
  }

  std::string Path(const std::string& name) const { return folder_ + name; }
  std::unique_ptr<ServerProcess> Serve(const std::string& store,
                                       const std::string& model = "tiny.pth") {
    return *ServerProcess::Start(
        {"--model=" + Path(model), "--tokenizer=bytes",
         "--store=" + Path(store), "--checkpoint-tokens=64",
         "--admin-listen=" + admin_, "--backup-dir=" + Path("backups")});
  }
  Result Admin(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "oxbow-admin");
    const std::vector<const char*> argv = ToArgv(arguments);
    std::ostringstream out, err;
    Streams streams;
    streams.out = &out;
    streams.err = &err;
    Result result;
    result.code = RunAdmin(argv.size(), argv.data(), streams);
    result.out = out.str();
    result.err = err.str();
    return result;
  }
  // The client's command against a server.
  Result Oxbow(const std::string& server, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"oxbow", "--server=" + server});
    const std::vector<const char*> argv = ToArgv(arguments);
    std::ostringstream out, err;
    cli::Streams streams;
    streams.stdin_fd = -1;
    streams.out = &out;
    streams.err = &err;
    Result result;
    result.code = cli::RunCli(argv.size(), argv.data(), streams);
    result.out = out.str();
    result.err = err.str();
    return result;
  }
  std::string File(const std::string& name, const std::string& bytes) {
    std::ofstream(Path(name), std::ios::binary) << bytes;
    return Path(name);
  }

  const std::string folder_ =
      absl::StrCat(testing::TempDir(), "/served_test_", getpid(), "/");
  // A loopback address of the test's own.
  const std::string admin_ =
      absl::StrCat("127.", 1 + getpid() / 65536 % 200, ".",
                   getpid() / 256 % 256, ".", 1 + getpid() % 200, ":7008");
};

TEST_F(ServedTest, WhatIsBackedUpUnderLoadServesAgain) {
  auto server = Serve("store");
  std::string before;
  for (int i = 0; i < 60; ++i) absl::StrAppend(&before, "line ", i, " of it\n");
  ASSERT_EQ(
      Oxbow(server->address(), {"append", "book", File("before", before)}).code,
      0);
  std::atomic<bool> stop{false};
  std::thread load([&] {
    for (int i = 0; !stop; ++i) {
      const std::string name = absl::StrCat("other", i);
      const Result result =
          Oxbow(server->address(), {"append", name, File("other", before)});
      EXPECT_EQ(result.code, 0) << result.err;
    }
  });
  for (int i = 0; i < 3; ++i) {
    const Result made = Admin({"backup", "--server=" + admin_, "--keep=2"});
    EXPECT_EQ(made.code, 0) << made.err;
  }
  stop = true;
  load.join();
  EXPECT_THAT(Admin({"backups", "--server=" + admin_}).out,
              StartsWith("backup 2 of "));
  EXPECT_EQ(Admin({"gc", "--server=" + admin_, "--dry-run"}).code, 0);
  server->Kill();

  const Result restored = Admin({"restore", "--backup-dir=" + Path("backups"),
                                 "--store=" + Path("again")});
  ASSERT_EQ(restored.code, 0) << restored.out << restored.err;
  const Result verified =
      Admin({"verify", "--store=" + Path("again"), "--replay=5",
             "--model=" + Path("tiny.pth"), "--tokenizer=bytes"});
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("5 checkpoints replayed"));
  server = Serve("again");
  const Result text = Oxbow(server->address(), {"text", "book"});
  EXPECT_EQ(text.out, before);
  EXPECT_EQ(server->Terminate(), 0);
}

TEST_F(ServedTest, AStoreIsRebuiltUnderAnotherModel) {
  TinyModelOptions other;
  other.seed = 77;
  OXBOW_CHECK_OK(WriteTinyModel(other, Path("other.pth")));
  const std::string text(300, 'x');
  auto server = Serve("store");
  ASSERT_EQ(
      Oxbow(server->address(), {"append", "book", File("text", text)}).code, 0);
  ASSERT_EQ(server->Terminate(), 0);

  const std::vector<std::string> rebuild = {
      "rebuild", "--store=" + Path("store"), "--to=" + Path("rebuilt"),
      "--model=" + Path("other.pth"), "--tokenizer=bytes"};
  // What an interrupted one left.
  fs::create_directories(Path("rebuilt.unfinished"));
  File("rebuilt.unfinished/rubbish", "");
  const Result rebuilt = Admin(rebuild);
  ASSERT_EQ(rebuilt.code, 0) << rebuilt.err;
  EXPECT_THAT(rebuilt.out, HasSubstr("1 streams"));
  EXPECT_FALSE(fs::exists(Path("rebuilt.unfinished")));
  EXPECT_EQ(Admin(rebuild).code, 64) << "over a store that is there";

  server = Serve("rebuilt", "other.pth");
  EXPECT_EQ(Oxbow(server->address(), {"text", "book"}).out, text);
  ASSERT_EQ(server->Terminate(), 0);
  EXPECT_EQ(Admin({"verify", "--store=" + Path("rebuilt"), "--replay=5",
                   "--model=" + Path("other.pth"), "--tokenizer=bytes"})
                .code,
            0);
  server = Serve("store");
  EXPECT_EQ(Oxbow(server->address(), {"text", "book"}).out, text);
  ASSERT_EQ(server->Terminate(), 0);
}

TEST_F(ServedTest, AnotherModelIsSaidNotCompared) {
  auto server = Serve("store");
  ASSERT_EQ(Oxbow(server->address(),
                  {"append", "book", File("text", std::string(300, 'x'))})
                .code,
            0);
  ASSERT_EQ(server->Terminate(), 0);
  TinyModelOptions other;
  other.seed = 77;
  OXBOW_CHECK_OK(WriteTinyModel(other, Path("other.pth")));
  const Result verified =
      Admin({"verify", "--store=" + Path("store"), "--replay=5",
             "--model=" + Path("other.pth"), "--tokenizer=bytes"});
  EXPECT_EQ(verified.code, 64) << verified.out;
  EXPECT_THAT(verified.err, HasSubstr("were made by model"));
}

}  // namespace
}  // namespace oxbow::admin
