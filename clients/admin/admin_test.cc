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
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
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
           {}, {"no-such-command"}, {"verify"}, {"verify", "--stor=x"}}) {
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
  EXPECT_EQ(Run({"verify", "--help"}).code, 0);
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

TEST_F(AdminTest, WhatIsNoStoreIsNotThere) {
  const Result result = Run({"verify", "--store=" + Path("none")});
  EXPECT_EQ(result.code, 66);
  EXPECT_THAT(result.err, HasSubstr("no store"));
  EXPECT_FALSE(fs::exists(Path("none")));
}

}  // namespace
}  // namespace oxbow::admin
