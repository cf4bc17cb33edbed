#include "engine/weights/shards.h"

#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/weights/testing/read_everything.h"
#include "engine/weights/testing/refusal_cost.h"
#include "engine/weights/testing/write_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/safetensors_writer.h"
#include "tests/testing/shards_writer.h"

namespace oxbow {
namespace {

using testing::HasSubstr;

const std::vector<TinyTensor>& Tensors() {
  static const auto* const kTensors = new std::vector<TinyTensor>{
      {"a", {2}, {1, 2}}, {"b", {1}, {3}}, {"c", {1}, {4}},
      {"d", {1}, {5}},    {"e", {1}, {6}}, {"f", {1}, {7}}};
  return *kTensors;
}

constexpr char kIndex[] = "model.safetensors.index.json";
constexpr char kFirst[] = "model-00001-of-00003.safetensors";
constexpr char kSecond[] = "model-00002-of-00003.safetensors";

class ShardsTest : public testing::Test {
 protected:
  ShardsTest() : folder_(testing::TempDir() + "/shards/") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    EXPECT_TRUE(WriteShards(Tensors(), DType::kF32, folder_).ok());
  }

  absl::StatusOr<std::unique_ptr<TensorSource>> Open() {
    const auto index = InputFile::Open(folder_ + kIndex);
    EXPECT_TRUE(index.ok()) << index.status();
    return OpenShards(*index);
  }
  std::string Message() {
    const RefusalCost cost;
    return std::string(Open().status().message());
  }
  void Write(const char* name, const std::vector<TinyTensor>& tensors) {
    EXPECT_TRUE(WriteSafetensors(tensors, DType::kF32, folder_ + name).ok());
  }
  // Changes the index's text.
  void Change(const std::string& from, const std::string& to) {
    const std::string text = ReadFile(folder_ + kIndex);
    EXPECT_THAT(text, HasSubstr(from));
    WriteFile(absl::StrCat("shards/", kIndex),
              absl::StrReplaceAll(text, {{from, to}}));
  }

  const std::string folder_;
};

TEST_F(ShardsTest, HaveTheTensorsOfEveryFile) {
  auto source = Open();
  ASSERT_TRUE(source.ok()) << source.status();
  const auto entries = (*source)->entries();
  ASSERT_EQ(entries.size(), Tensors().size());
  for (size_t i = 0; i < entries.size(); ++i) {
    std::vector<char> bytes(entries[i].Bytes());
    ASSERT_TRUE(
        (*source)->Read(static_cast<int>(i), absl::MakeSpan(bytes)).ok());
    float number;
    std::memcpy(&number, bytes.data() + bytes.size() - 4, 4);
    EXPECT_EQ(number, entries[i].name[0] - 'a' + 2);
  }
  EXPECT_TRUE(ReadEverything(Open()).ok());
}

TEST_F(ShardsTest, MayBeLinks) {
  std::filesystem::rename(folder_ + kFirst, folder_ + "blob");
  std::filesystem::create_symlink("blob", folder_ + kFirst);
  EXPECT_TRUE(ReadEverything(Open()).ok()) << "as in Hugging Face's cache";
}

TEST_F(ShardsTest, AMissingFileIsNamed) {
  std::filesystem::remove(folder_ + kSecond);
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(), HasSubstr(kSecond));
}

TEST_F(ShardsTest, FilesMustBeFiles) {
  std::filesystem::remove(folder_ + kSecond);
  std::filesystem::create_directories(folder_ + kSecond);
  EXPECT_THAT(Message(), HasSubstr("not a regular file"));
  std::filesystem::remove(folder_ + kSecond);
  ASSERT_EQ(mkfifo((folder_ + kSecond).c_str(), 0600), 0);
  EXPECT_THAT(Message(), HasSubstr("not a regular file"));
  std::filesystem::remove(folder_ + kSecond);
  std::filesystem::create_symlink(kSecond, folder_ + kSecond);
  EXPECT_THAT(Message(), HasSubstr(kSecond)) << "a link to itself";
  std::filesystem::remove(folder_ + kSecond);
  std::filesystem::create_symlink("/dev/zero", folder_ + kSecond);
  EXPECT_THAT(Message(), HasSubstr("not a regular file"));
}

TEST_F(ShardsTest, IndexAndFilesMustAgree) {
  Write(kFirst, {Tensors()[0]});
  EXPECT_EQ(Message(),
            absl::StrCat("d: is not in ", kFirst, ", where the index has it"));
  Write(kFirst, {Tensors()[0], Tensors()[3], {"g", {1}, {8}}});
  EXPECT_EQ(Message(), absl::StrCat("g: is in ", kFirst,
                                    ", where the index does not have it"));
  Write(kFirst, {Tensors()[0], Tensors()[3], Tensors()[1]});
  EXPECT_EQ(Message(), absl::StrCat("b: is in ", kFirst,
                                    ", where the index does not have it"))
      << "in two files";
  Write(kFirst, {Tensors()[0], {"D", {1}, {8}}});
  EXPECT_THAT(Message(), HasSubstr("D: is in "));
  Write(kFirst, {});
  EXPECT_THAT(Message(), HasSubstr("a: is not in "));
}

TEST_F(ShardsTest, IndexMayNotNameAnotherFile) {
  Change(kFirst, kSecond);
  EXPECT_EQ(Message(),
            absl::StrCat("a: is not in ", kSecond, ", where the index has it"));
}

TEST_F(ShardsTest, ATensorOfNoFileIsMissed) {
  Change("\"a\"", "\"z\"");
  EXPECT_EQ(Message(), absl::StrCat("a: is in ", kFirst,
                                    ", where the index does not have it"));
}

TEST_F(ShardsTest, ABadIndexIsNamed) {
  Change(kFirst, absl::StrCat("../shards/", kFirst));
  EXPECT_THAT(Message(), HasSubstr(absl::StrCat(folder_, kIndex, ": a: '../")));
}

TEST_F(ShardsTest, ADamagedFileIsNamed) {
  const std::string good = ReadFile(folder_ + kSecond);
  for (size_t size : {size_t{0}, size_t{7}, size_t{20}, good.size() - 1}) {
    WriteFile(absl::StrCat("shards/", kSecond), good.substr(0, size));
    EXPECT_FALSE(ReadEverything(Open()).ok()) << size;
  }
}

TEST_F(ShardsTest, AnIndexMayNotBeLarge) {
  std::filesystem::resize_file(folder_ + kIndex, 9 << 20);
  EXPECT_THAT(Message(), HasSubstr("at most 8388608 are read"));
}

}  // namespace
}  // namespace oxbow
