#include "engine/weights/open_tensors.h"

#include <string>

#include "engine/weights/testing/write_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {
namespace {

using testing::HasSubstr;

TEST(OpenTensorsTest, GoesByContentNotByName) {
  const std::string folder = testing::TempDir();
  TinyModelOptions options;
  ASSERT_TRUE(WriteTinyModel(options, folder + "/a.pth").ok());
  ASSERT_TRUE(WriteTinyModel(options, folder + "/a.safetensors").ok());
  WriteFile("b.safetensors", ReadFile(folder + "/a.pth"));
  WriteFile("b.pth", ReadFile(folder + "/a.safetensors"));
  const size_t count = MakeTinyTensors(options).size();
  for (const char* name :
       {"/a.pth", "/a.safetensors", "/b.pth", "/b.safetensors"}) {
    const auto source = OpenTensors(folder + name);
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ((*source)->entries().size(), count) << name;
  }
}

TEST(OpenTensorsTest, NamesFormatsItDoesNotRead) {
  const struct {
    std::string bytes;
    absl::StatusCode code;
    const char* message;
  } cases[] = {
      {std::string("GGUF\1\0\0\0\0\0\0\0", 12),
       absl::StatusCode::kUnimplemented, "GGUF version 1"},
      {std::string("fmgg\1\0\0\0\0\0\0\0", 12),
       absl::StatusCode::kUnimplemented, "ggmf file of version 1"},
      {"\x80\x02}q\1X....", absl::StatusCode::kUnimplemented, "torch"},
      {"hello, this is text", absl::StatusCode::kInvalidArgument, "neither"},
      {"short", absl::StatusCode::kInvalidArgument, "ends at byte 5"},
      {"", absl::StatusCode::kInvalidArgument, "ends at byte 0"},
  };
  for (const auto& known : cases) {
    const auto source = OpenTensors(WriteFile("x.pth", known.bytes));
    EXPECT_EQ(source.status().code(), known.code) << source.status();
    EXPECT_THAT(std::string(source.status().message()),
                HasSubstr(known.message));
  }
  EXPECT_EQ(OpenTensors(testing::TempDir() + "/none").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace oxbow
