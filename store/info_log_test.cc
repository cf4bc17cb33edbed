#include "store/info_log.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/store_under_test.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;

std::string ContentsOf(const std::string& path) {
  std::ostringstream contents;
  contents << std::ifstream(path).rdbuf();
  return contents.str();
}

TEST(InfoLogTest, KeepsWarnings) {
  const TestFolder folder;
  const std::string path = folder.path() + "/LOG";
  {
    InfoLog log(path);
    rocksdb::Info(&log, "all is well");
    EXPECT_FALSE(fs::exists(path));
    rocksdb::Warn(&log, "file %d is odd", 7);
  }
  InfoLog again(path);
  rocksdb::Error(&again, "and broken");
  EXPECT_THAT(ContentsOf(path), testing::HasSubstr("file 7 is odd"));
  EXPECT_THAT(ContentsOf(path), testing::HasSubstr("and broken\n"));
}

TEST(InfoLogTest, IsBounded) {
  const TestFolder folder;
  const std::string path = folder.path() + "/LOG";
  InfoLog log(path);
  const std::string text(1500, 'x');
  for (int i = 0; i < 10000; ++i) rocksdb::Warn(&log, "%s", text.c_str());
  EXPECT_LT(fs::file_size(path), 5u << 20);
  EXPECT_LT(fs::file_size(path + ".old"), 5u << 20);
}

// /dev/full refuses every byte.
TEST(InfoLogTest, AFullDiskIsNoReasonToDie) {
  InfoLog log("/dev/full");
  for (int i = 0; i < 3; ++i) rocksdb::Warn(&log, "no room");
  InfoLog nowhere("/no/such/folder/LOG");
  rocksdb::Warn(&nowhere, "no folder");
}

}  // namespace
}  // namespace oxbow
