#include "engine/weights/open_tensors.h"

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/weights/testing/write_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/renamed_tensors.h"
#include "tests/testing/shards_writer.h"
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
      {"\x80\x04}q\1X....", absl::StatusCode::kUnimplemented, "torch"},
      {std::string(257, 's') + "ustar", absl::StatusCode::kUnimplemented,
       "torch"},
      {"{\"weight_map\": {}}", absl::StatusCode::kInvalidArgument,
       "weight_map has 0 tensors"},
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

class FolderTest : public testing::Test {
 protected:
  FolderTest() : folder_(testing::TempDir() + "/folder") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }

  void WriteText(const char* name, const std::string& text) {
    WriteFile(absl::StrCat("folder/", name), text);
  }
  void WriteFla(const char* name) {
    TinyModelOptions options;
    EXPECT_TRUE(WriteTensors(AsFla(MakeTinyTensors(options), false),
                             DType::kBF16, folder_ + "/" + name)
                    .ok());
  }
  std::string Message(const std::string& path) {
    return std::string(OpenTensors(path).status().message());
  }

  const std::string folder_;
};

TEST_F(FolderTest, AFolderWithOneModelIsThatModel) {
  EXPECT_EQ(Message(folder_), folder_ + ": a folder without a file of weights");
  WriteText("README.md", "");
  WriteText("vocab.txt", "");
  WriteText("optimizer.bin", "");
  WriteFla("model.safetensors");
  EXPECT_TRUE(OpenTensors(folder_).ok());
  EXPECT_TRUE(OpenTensors(folder_ + "/").ok());
  WriteText("other.PTH", "");
  EXPECT_THAT(Message(folder_),
              HasSubstr("model.safetensors and other.PTH; name one"));
}

TEST_F(FolderTest, TorchsShardsAreNamed) {
  WriteText("pytorch_model-00001-of-00002.bin", "");
  WriteText("pytorch_model-00002-of-00002.bin", "");
  WriteText("pytorch_model.bin.index.json",
            R"({"weight_map":{"a":"pytorch_model-00001-of-00002.bin"}})");
  EXPECT_THAT(Message(folder_), HasSubstr("Oxbow reads shards in .safetens"));
}

TEST_F(FolderTest, AnIndexGoesFirst) {
  ASSERT_TRUE(WriteShards(MakeTinyTensors({}), DType::kBF16, folder_).ok());
  const size_t count = MakeTinyTensors({}).size();
  for (const char* path : {"", "/", "/model.safetensors.index.json"}) {
    const auto source = OpenTensors(folder_ + path);
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ((*source)->entries().size(), count);
  }
}

TEST_F(FolderTest, ConfigIsReadWithHuggingFacesNamesOnly) {
  WriteFla("model.safetensors");
  WriteText("config.json", R"({"hidden_size":65,"norm_eps":1e-6})");
  const auto source = OpenTensors(folder_ + "/model.safetensors");
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->facts().width, 65);
  EXPECT_EQ((*source)->facts().from, "config.json");
  WriteText("config.json", "{");
  EXPECT_THAT(Message(folder_), HasSubstr("config.json: not JSON"));
  std::filesystem::remove(folder_ + "/config.json");
  std::filesystem::create_directories(folder_ + "/config.json");
  EXPECT_THAT(Message(folder_), HasSubstr("config.json: not a regular file"));
  ASSERT_TRUE(WriteTinyModel({}, folder_ + "/model.safetensors").ok());
  EXPECT_TRUE(OpenTensors(folder_).ok()) << "somebody else's config.json";
}

}  // namespace
}  // namespace oxbow
