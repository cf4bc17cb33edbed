#include "store/disk_space.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"

namespace oxbow {
namespace {

using absl::StatusCode;

class DiskSpaceTest : public testing::Test {
 protected:
  void MakeFile(const std::string& name, size_t bytes) {
    std::filesystem::create_directories(folder_.path() + "/below");
    std::ofstream(folder_.path() + "/below/" + name) << std::string(bytes, 'x');
  }

  TestFolder folder_;
};

TEST_F(DiskSpaceTest, NoLimitAdmitsAnything) {
  DiskSpace space({folder_.path()});
  EXPECT_OK(space.Admit(uint64_t{1} << 60));
}

TEST_F(DiskSpaceTest, CountsWhatIsThereAndWhatWasAdmitted) {
  MakeFile("old", 600);
  DiskSpace space({folder_.path(), /*bytes_max=*/1000});
  EXPECT_OK(space.Admit(300));
  MakeFile("new", 300);
  EXPECT_THAT(space.Admit(200), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_OK(space.Admit(100));
}

TEST_F(DiskSpaceTest, SpaceGivenBackIsSeen) {
  MakeFile("old", 900);
  DiskSpace space({folder_.path(), /*bytes_max=*/1000});
  EXPECT_THAT(space.Admit(200), StatusIs(StatusCode::kResourceExhausted));
  std::filesystem::remove(folder_.path() + "/below/old");
  EXPECT_OK(space.Admit(200));
}

TEST_F(DiskSpaceTest, SomeOfTheDiskStaysFree) {
  DiskSpace all({folder_.path(), 0, /*free_bytes_min=*/uint64_t{1} << 60});
  EXPECT_THAT(all.Admit(1), StatusIs(StatusCode::kResourceExhausted));
  DiskSpace little({folder_.path(), 0, /*free_bytes_min=*/1});
  EXPECT_OK(little.Admit(1));
  EXPECT_THAT(little.Admit(uint64_t{1} << 60),
              StatusIs(StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace oxbow
