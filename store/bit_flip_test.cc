// A bit that flips on disk is noticed or harmless, never believed.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "base/soak.h"
#include "gtest/gtest.h"
#include "store/rocks_store.h"
#include "store/testing/killed_writer.h"
#include "store/testing/numbered_batches.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;

constexpr int kBatches = 60;

class BitFlipTest : public testing::Test {
 protected:
  // With a log of changes still to be replayed.
  void MakeKilledStore() {
    acknowledged_ = WriteAndKill(Path("store"), kBatches, 0);
    // One more may be there, of which nobody was told.
    fs::copy(Path("store"), Path("whole"), fs::copy_options::recursive);
    auto store = OpenRocksStore(SmallRocksOptions(Path("whole"), &clock_));
    ASSERT_OK(store);
    const auto whole = NumberedBatches::CountWhole(**store);
    ASSERT_OK(whole);
    whole_ = *whole;
    ASSERT_GE(whole_, acknowledged_);
    ASSERT_GE(acknowledged_, static_cast<uint64_t>(kBatches));
  }
  // Everything in files of their own.
  void MakeClosedStore() {
    auto store = OpenRocksStore(SmallRocksOptions(Path("store"), &clock_));
    ASSERT_OK(store);
    auto batches = NumberedBatches::GoOn(**store);
    for (int i = 0; i < kBatches; ++i) {
      ASSERT_OK((*store)->Write(batches->Next(), /*sync=*/i % 2 == 1));
    }
    acknowledged_ = whole_ = kBatches;
  }

  // The files that hold data, in the order of their names.
  std::vector<std::string> DataFiles(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      const bool data =
          absl::EndsWith(name, ".sst") || absl::EndsWith(name, ".blob") ||
          absl::EndsWith(name, ".log") || absl::StartsWith(name, "MANIFEST") ||
          name == "CURRENT" || name == "durable";
      if (data && entry.file_size() > 0) names.push_back(entry.path());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  // Flips bits, one in each copy of the store, and counts what came of it.
  void FlipBits() {
    for (int i = 0; i < flips_; ++i) {
      fs::remove_all(Path("copy"));
      fs::copy(Path("store"), Path("copy"), fs::copy_options::recursive);
      const std::vector<std::string> files = DataFiles(Path("copy"));
      const std::string name = files[random_() % files.size()];
      const uint64_t byte = random_() % fs::file_size(name);
      const int bit = static_cast<int>(random_() % 8);
      {
        std::fstream file(name,
                          std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(byte));
        const int old = file.get();
        file.seekp(static_cast<std::streamoff>(byte));
        file.put(static_cast<char>(old ^ 1 << bit));
      }
      SCOPED_TRACE(name + " byte " + std::to_string(byte) + " bit " +
                   std::to_string(bit));
      Judge();
    }
  }

  void Judge() {
    auto store = OpenRocksStore(SmallRocksOptions(Path("copy"), &clock_));
    if (!store.ok()) {
      EXPECT_THAT(store, StatusIs(absl::StatusCode::kDataLoss));
      ++refused_;
      return;
    }
    const auto count = NumberedBatches::CountWhole(**store);
    if (!count.ok()) {
      EXPECT_THAT(count, StatusIs(absl::StatusCode::kDataLoss));
      ++noticed_;
      return;
    }
    EXPECT_GE(*count, acknowledged_);
    EXPECT_LE(*count, whole_);
    ++harmless_;
  }

  std::string Path(const std::string& name) {
    return folder_.path() + "/" + name;
  }

  TestFolder folder_;
  TurnedClock clock_;
  std::mt19937 random_{11};
  uint64_t acknowledged_ = 0;
  uint64_t whole_ = 0;
  const int flips_ = Soaked(60);
  int refused_ = 0;
  int noticed_ = 0;
  int harmless_ = 0;
};

TEST_F(BitFlipTest, InAClosedStore) {
  ASSERT_NO_FATAL_FAILURE(MakeClosedStore());
  FlipBits();
  EXPECT_GT(refused_ + noticed_, flips_ / 3);
  RecordProperty("refused", refused_);
  RecordProperty("noticed", noticed_);
  RecordProperty("harmless", harmless_);
}

TEST_F(BitFlipTest, InAKilledStore) {
  ASSERT_NO_FATAL_FAILURE(MakeKilledStore());
  FlipBits();
  EXPECT_GT(refused_ + noticed_, flips_ / 3);
  RecordProperty("refused", refused_);
  RecordProperty("noticed", noticed_);
  RecordProperty("harmless", harmless_);
}

}  // namespace
}  // namespace oxbow
