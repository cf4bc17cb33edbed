#include "engine/weights/input_file.h"

#include <sys/stat.h>

#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace oxbow {
namespace {

std::string PathOf(const char* name) { return testing::TempDir() + "/" + name; }

TEST(InputFileTest, ReadsAnywhere) {
  std::ofstream(PathOf("file")) << "0123456789";
  auto file = InputFile::Open(PathOf("file"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->size(), 10);
  char some[4];
  ASSERT_TRUE(file->ReadAt(6, absl::MakeSpan(some)).ok());
  EXPECT_EQ(std::string(some, 4), "6789");
  const InputFile moved = *std::move(file);
  ASSERT_TRUE(moved.ReadAt(0, absl::MakeSpan(some)).ok());
  EXPECT_EQ(std::string(some, 4), "0123");
}

TEST(InputFileTest, SaysWhereTheFileEnds) {
  std::ofstream(PathOf("short")) << "0123";
  const auto file = InputFile::Open(PathOf("short"));
  char some[4];
  const absl::Status status = file->ReadAt(2, absl::MakeSpan(some));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            PathOf("short") + ": the file ends at byte 4, want 6");
}

TEST(InputFileTest, OpensRegularFilesOnly) {
  EXPECT_EQ(InputFile::Open(PathOf("none")).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(InputFile::Open(testing::TempDir()).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(InputFile::Open("/dev/zero").status().code(),
            absl::StatusCode::kInvalidArgument);
  // A pipe without a writer must not make us wait.
  ASSERT_EQ(mkfifo(PathOf("pipe").c_str(), 0600), 0);
  EXPECT_EQ(InputFile::Open(PathOf("pipe")).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace oxbow
