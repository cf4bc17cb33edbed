#include "store/check_log_files.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "store/testing/is_sentence.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"

namespace oxbow {
namespace {

constexpr size_t kBlockBytes = 32 << 10;

// Not what RocksDB writes, but of its shape.
std::string Record(size_t bytes) {
  const std::string header = {'c',
                              'r',
                              'c',
                              '!',
                              static_cast<char>(bytes),
                              static_cast<char>(bytes >> 8),
                              1};
  return header + std::string(bytes, 'x');
}

class CheckLogFilesTest : public testing::Test {
 protected:
  absl::Status Check(const std::string& contents) {
    std::ofstream(folder_.path() + "/000007.log", std::ios::binary) << contents;
    return CheckLogFiles(folder_.path());
  }

  // Three records that fill a block but for five bytes, which stay zero.
  const std::string block_ = Record(1000) + Record(2000) +
                             Record(kBlockBytes - 3000 - 3 * 7 - 5) +
                             std::string(5, '\0');
  TestFolder folder_;
};

TEST_F(CheckLogFilesTest, WholeOnesPass) {
  EXPECT_OK(Check(""));
  EXPECT_OK(Check(Record(10)));
  EXPECT_OK(Check(block_ + block_ + Record(10)));
}

TEST_F(CheckLogFilesTest, ZerosAtTheEndAreARoomThatWasNotUsed) {
  EXPECT_OK(Check(Record(10) + std::string(5000, '\0')));
  EXPECT_OK(Check(block_ + std::string(3 * kBlockBytes, '\0')));
}

TEST_F(CheckLogFilesTest, ARecordCutShortIsLeftToRocksDb) {
  EXPECT_OK(Check(block_ + Record(100).substr(0, 50)));
  EXPECT_OK(Check(block_ + Record(100).substr(0, 3)));
}

TEST_F(CheckLogFilesTest, ZerosBeforeARecordAreDamage) {
  const absl::Status status =
      Check(std::string(4096, '\0') + block_.substr(4096) + block_);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_TRUE(IsSentence(status));
  EXPECT_THAT(Check(std::string(kBlockBytes, '\0') + Record(10)),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Check(block_ + Record(10) + std::string(4096, '\0') + "x"),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(CheckLogFilesTest, OtherFilesAreNotLookedAt) {
  std::ofstream(folder_.path() + "/000008.sst", std::ios::binary)
      << std::string(10, '\0') << "x";
  EXPECT_OK(CheckLogFiles(folder_.path()));
  std::filesystem::rename(folder_.path() + "/000008.sst",
                          folder_.path() + "/MANIFEST-000008");
  EXPECT_THAT(CheckLogFiles(folder_.path()),
              StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace oxbow
