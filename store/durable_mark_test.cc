#include "store/durable_mark.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"

namespace oxbow {
namespace {

class DurableMarkTest : public testing::Test {
 protected:
  uint64_t Stored() {
    auto mark = DurableMark::Open(path_);
    EXPECT_OK(mark);
    return (*mark)->change();
  }

  TestFolder folder_;
  const std::string path_ = folder_.path() + "/mark";
};

TEST_F(DurableMarkTest, IsZeroAtFirstThenTheLast) {
  EXPECT_EQ(Stored(), 0u);
  (*DurableMark::Open(path_))->Raise(7);
  EXPECT_EQ(Stored(), 7u);
  {
    auto mark = *DurableMark::Open(path_);
    mark->Raise(8);
    mark->Raise(~0ull);
    EXPECT_EQ(mark->change(), ~0ull);
  }
  EXPECT_EQ(Stored(), ~0ull);
}

TEST_F(DurableMarkTest, ADamagedMarkIsNone) {
  (*DurableMark::Open(path_))->Raise(123456789);
  const auto size = std::filesystem::file_size(path_);
  for (size_t byte = 0; byte < size; ++byte) {
    (*DurableMark::Open(path_))->Raise(123456789);
    std::fstream file(path_, std::ios::in | std::ios::out);
    file.seekp(byte);
    file.put('5');
    file.close();
    const uint64_t read = Stored();
    EXPECT_TRUE(read == 0 || read == 123456789) << read;
  }
  std::filesystem::resize_file(path_, size - 1);
  EXPECT_EQ(Stored(), 0u);
}

TEST_F(DurableMarkTest, AFolderThatIsNotThereIsAnError) {
  EXPECT_THAT(DurableMark::Open(folder_.path() + "/none/mark"),
              StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace oxbow
