// The whole program, on stores of the test's own.
#include "clients/admin/admin.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "service/admin_server.h"
#include "store/rocks_store.h"
#include "store/testing/log_author.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"

namespace oxbow::admin {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using testing::HasSubstr;

struct Result {
  int code = 0;
  std::string out;
  std::string err;
};

class AdminTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) {
    return absl::StrCat(folder_.path(), "/", name);
  }
  Result Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "oxbow-admin");
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) {
      argv.push_back(argument.c_str());
    }
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
  // A store with one stream, "book"; closed.
  std::string MakeStore(const std::string& name) {
    auto store = OpenRocksStore(SmallRocksOptions(Path(name), nullptr));
    EXPECT_OK(store);
    StoreBatch batch;
    StreamRecord stream;
    stream.uid = *(*store)->NewUid();
    stream.tenant = "default";
    stream.name = "book";
    batch.put_streams.push_back(stream);
    LogAuthor author;
    batch.appends.push_back({stream.uid, author.Text("all of it")});
    EXPECT_OK((*store)->Write(batch, /*sync=*/true));
    return Path(name);
  }
  // Flips a bit in the middle of every table of the store.
  static void Damage(const std::string& store) {
    for (const auto& entry : fs::directory_iterator(store + "/rocksdb")) {
      if (entry.path().extension() != ".sst") continue;
      std::fstream file(entry.path(),
                        std::ios::in | std::ios::out | std::ios::binary);
      const auto at = static_cast<int64_t>(entry.file_size() / 2);
      file.seekg(at);
      const char byte = static_cast<char>(file.get() ^ 1);
      file.seekp(at);
      file.put(byte);
    }
  }

  TestFolder folder_;
};

TEST_F(AdminTest, AWrongCommandLineIsOneSentence) {
  for (const std::vector<std::string>& bad :
       std::vector<std::vector<std::string>>{
           {},
           {"no-such-command"},
           {"verify"},
           {"verify", "--stor=x"},
           {"verify", "--store=x", "--replay=3"},
           {"verify", "--store=x", "--model=m"},
           {"verify", "--store=x", "--replay=0", "--model=m"},
           {"backup"},
           {"backup", "--store=x"},
           {"backup", "--server=x", "--store=y", "--backup-dir=z"},
           {"backup", "--server=x", "--keep=-1"},
           {"backups"},
           {"restore", "--backup-dir=x"},
           {"restore", "--backup-dir=x", "--store=y", "--id=0"},
           {"gc"},
           {"gc", "--store=x", "--server=y"}}) {
    const Result result = Run(bad);
    EXPECT_EQ(result.code, 64) << testing::PrintToString(bad);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1);
  }
}

TEST_F(AdminTest, HelpTellsExitCodes) {
  const Result result = Run({"--help"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr("Exit codes"));
  for (const char* command : {"verify", "backup", "backups", "restore", "gc"}) {
    EXPECT_EQ(Run({command, "--help"}).code, 0);
  }
}

TEST_F(AdminTest, AWholeStoreIsSaidToBe) {
  const std::string store = MakeStore("store");
  const Result result = Run({"verify", "--store=" + store});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("is whole: 1 streams, 1 log records"));
  EXPECT_EQ(result.err, "");
}

TEST_F(AdminTest, ADamagedStoreIsNot) {
  const std::string store = MakeStore("store");
  Damage(store);
  const Result result = Run({"verify", "--store=" + store});
  EXPECT_EQ(result.code, 65);
  EXPECT_THAT(result.err, HasSubstr("is not whole"));
  const Result json = Run({"verify", "--json", "--store=" + store});
  EXPECT_EQ(json.code, 65);
  const Json parsed = Json::parse(json.out);
  EXPECT_EQ(parsed["whole"], false);
  EXPECT_EQ(parsed["findings"].size(), parsed["findings_count"]);
}

TEST_F(AdminTest, AReplayNeedsAModelThatCanBeRead) {
  const Result result = Run({"verify", "--store=" + MakeStore("store"),
                             "--replay=3", "--model=" + Path("none.pth")});
  EXPECT_EQ(result.code, 66);
  EXPECT_THAT(result.err, HasSubstr("none.pth"));
}

TEST_F(AdminTest, WhatIsNoStoreIsNotThere) {
  const Result result = Run({"verify", "--store=" + Path("none")});
  EXPECT_EQ(result.code, 66);
  EXPECT_THAT(result.err, HasSubstr("no store"));
  EXPECT_FALSE(fs::exists(Path("none")));
}

TEST_F(AdminTest, AStoreIsBackedUpListedAndRestored) {
  const std::string store = MakeStore("store");
  const std::string folder = "--backup-dir=" + Path("backups");
  for (int i = 0; i < 3; ++i) {
    const Result made = Run({"backup", "--store=" + store, folder, "--keep=2"});
    EXPECT_EQ(made.code, 0) << made.err;
    EXPECT_THAT(made.out, HasSubstr(absl::StrCat("backup ", i + 1, " of ")));
  }
  const Result list = Run({"backups", "--json", folder});
  EXPECT_EQ(list.code, 0) << list.err;
  EXPECT_EQ(std::count(list.out.begin(), list.out.end(), '\n'), 2);
  const Json first = Json::parse(list.out.substr(0, list.out.find('\n')));
  EXPECT_EQ(first["backup"], 2);
  const Result restored =
      Run({"restore", folder, "--id=2", "--store=" + Path("again")});
  EXPECT_EQ(restored.code, 0) << restored.err;
  EXPECT_THAT(restored.out, HasSubstr("is backup 2, and whole: 1 streams"));
  EXPECT_EQ(Run({"verify", "--store=" + Path("again")}).code, 0);
  // Never over something.
  EXPECT_EQ(Run({"restore", folder, "--store=" + Path("again")}).code, 75);
  EXPECT_EQ(Run({"restore", folder, "--id=9", "--store=" + Path("x")}).code,
            66);
  EXPECT_EQ(Run({"backups", "--backup-dir=" + Path("none")}).code, 66);
  EXPECT_EQ(Run({"backup", "--store=" + Path("none"), folder}).code, 66);
}

TEST_F(AdminTest, ADamagedBackupIs65) {
  const std::string store = MakeStore("store");
  const std::string folder = "--backup-dir=" + Path("backups");
  ASSERT_EQ(Run({"backup", "--store=" + store, folder}).code, 0);
  for (const auto& entry :
       fs::directory_iterator(Path("backups/shared_checksum"))) {
    std::fstream(entry.path(), std::ios::in | std::ios::out | std::ios::binary)
            .seekp(100)
        << "damage";
  }
  const Result result = Run({"restore", folder, "--store=" + Path("again")});
  EXPECT_EQ(result.code, 65);
  EXPECT_FALSE(fs::exists(Path("again/rocksdb")));
}

TEST_F(AdminTest, AStoreIsSweptAndAPlanLeavesIt) {
  const std::string path = MakeStore("store");
  {
    auto store = *OpenRocksStore(SmallRocksOptions(path, nullptr));
    ASSERT_OK(store->DeleteStream(1));
  }
  const std::string flag = "--store=" + path;
  for (int i = 0; i < 2; ++i) {
    const Result plan = Run({"gc", "--json", "--dry-run", flag});
    EXPECT_EQ(plan.code, 0) << plan.err;
    EXPECT_EQ(Json::parse(plan.out)["uids"], Json::array({1}));
  }
  EXPECT_THAT(Run({"gc", flag}).out, HasSubstr("the data of 1 uids"));
  EXPECT_THAT(Run({"gc", "--dry-run", flag}).out,
              HasSubstr("the data of 0 uids"));
}

TEST_F(AdminTest, ARunningServerIsAsked) {
  auto store = *OpenRocksStore(SmallRocksOptions(MakeStore("store"), nullptr));
  const RealClock clock;
  Options options;
  options.admin_listen.emplace();
  options.admin_listen->port = 0;
  options.backup_path = Path("backups");
  auto server = *AdminServer::Start(options, store.get(), &clock);
  const std::string flag = "--server=" + server->address();
  const Result made = Run({"backup", flag});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("backup 1 of 20"));
  EXPECT_THAT(Run({"backups", flag}).out, HasSubstr("backup 1 of 20"));
  EXPECT_THAT(Run({"gc", flag, "--dry-run"}).out,
              HasSubstr("would remove 0 expired streams"));
  // Beside it, the store is in use.
  EXPECT_EQ(Run({"gc", "--store=" + Path("store")}).code, 75);
  server.reset();
  EXPECT_EQ(Run({"backup", flag}).code, 69);
  EXPECT_EQ(Run({"restore", "--backup-dir=" + Path("backups"),
                 "--store=" + Path("again")})
                .code,
            0);
}

}  // namespace
}  // namespace oxbow::admin
