#include "store/folder_lock.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"

namespace oxbow {
namespace {

TEST(FolderLockTest, OneAtATime) {
  TestFolder folder;
  {
    auto first = FolderLock::Take(folder.path());
    ASSERT_OK(first);
    const auto second = FolderLock::Take(folder.path());
    EXPECT_THAT(second, StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(std::string(second.status().message()),
                testing::HasSubstr(folder.path()));
  }
  EXPECT_OK(FolderLock::Take(folder.path()));
}

TEST(FolderLockTest, AFolderThatIsNotThereIsNotFound) {
  TestFolder folder;
  EXPECT_THAT(FolderLock::Take(folder.path() + "/none"),
              StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace oxbow
