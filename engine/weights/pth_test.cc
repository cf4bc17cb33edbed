#include "engine/weights/pth.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/weights/testing/damage.h"
#include "engine/weights/testing/read_everything.h"
#include "engine/weights/testing/write_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/pth_writer.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
// NOLINTNEXTLINE(misc-unused-using-decls): clang-tidy misses its uses.
using std::string_literals::operator""s;

using Entries = std::vector<std::pair<std::string, std::string>>;

absl::StatusOr<std::unique_ptr<TensorSource>> Open(const std::string& path) {
  auto file = InputFile::Open(path);
  if (!file.ok()) return file.status();
  return OpenPth(*std::move(file));
}

std::vector<TinyTensor> TwoTensors() {
  return {{"a", {2, 3}, {1, 2, 3, 4, 5, 6}}, {"b", {1, 1, 2}, {7, 8}}};
}

// The entries of a good archive of TwoTensors().
Entries GoodEntries() {
  return {{"m/data.pkl", PickleOf(TwoTensors(), DType::kF32)},
          {"m/byteorder", "little"},
          {"m/data/0", Encode(TwoTensors()[0].numbers, DType::kF32)},
          {"m/data/1", Encode(TwoTensors()[1].numbers, DType::kF32)}};
}

std::string WriteArchive(const Entries& entries, bool deflate = false) {
  const std::string path = testing::TempDir() + "/t.pth";
  EXPECT_TRUE(WriteZip(entries, deflate, path).ok());
  return path;
}

// A pickle of one tensor "w" in storage "0" of fp32.
std::string PickleOfView(int storage_count, int offset,
                         const std::vector<int>& shape,
                         const std::vector<int>& strides,
                         const std::string& key = "0") {
  const auto number = [](int value) {
    std::string bytes = "J";
    for (int i = 0; i < 4; ++i)
      bytes.push_back(static_cast<char>(value >> 8 * i));
    return bytes;
  };
  const auto text = [](const std::string& value) {
    return "X"s + static_cast<char>(value.size()) + "\0\0\0"s + value;
  };
  const auto tuple = [&](const std::vector<int>& values) {
    std::string bytes = "(";
    for (int value : values) bytes += number(value);
    return bytes + "t";
  };
  return "\x80\x02}(" + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n((" +
         text("storage") + "ctorch\nFloatStorage\n" + text(key) + text("cpu") +
         number(storage_count) + "tQ" + number(offset) + tuple(shape) +
         tuple(strides) + "\x89}tRu.";
}

std::string ArchiveOfView(const std::string& pickle) {
  return WriteArchive({{"m/data.pkl", pickle},
                       {"m/data/0", Encode({0, 1, 2, 3, 4, 5}, DType::kF32)}});
}

TEST(PthTest, ReadsTensors) {
  auto source = Open(WriteArchive(GoodEntries()));
  ASSERT_TRUE(source.ok()) << source.status();
  const auto entries = (*source)->entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].name, "b");
  EXPECT_THAT(entries[1].shape, ElementsAre(1, 1, 2));
  std::vector<float> numbers(6);
  ASSERT_TRUE(
      (*source)
          ->Read(0, absl::MakeSpan(reinterpret_cast<char*>(numbers.data()), 24))
          .ok());
  EXPECT_THAT(numbers, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(PthTest, ReadsViewsOfAStorage) {
  auto source = Open(ArchiveOfView(PickleOfView(6, 2, {1, 3}, {77, 1})));
  ASSERT_TRUE(source.ok()) << source.status();
  std::vector<float> numbers(3);
  ASSERT_TRUE(
      (*source)
          ->Read(0, absl::MakeSpan(reinterpret_cast<char*>(numbers.data()), 12))
          .ok());
  EXPECT_THAT(numbers, ElementsAre(2, 3, 4));
}

struct BadView {
  const char* name;
  std::string pickle;
  const char* message;
};

class BadViewTest : public testing::TestWithParam<BadView> {};

TEST_P(BadViewTest, IsRefusedInASentence) {
  const auto source = Open(ArchiveOfView(GetParam().pickle));
  EXPECT_EQ(source.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(source.status().message()),
              HasSubstr(GetParam().message));
}

constexpr int kHuge = 0x7fffffff;
INSTANTIATE_TEST_SUITE_P(
    Views, BadViewTest,
    testing::Values(
        BadView{"PastTheEnd", PickleOfView(6, 4, {3}, {1}),
                "w: 3 numbers from 4 on leave its storage of 6"},
        BadView{"StartsPastTheEnd", PickleOfView(6, 7, {1}, {1}), "leave its"},
        BadView{"OffsetNegative", PickleOfView(6, -1, {3}, {1}), "leave its"},
        BadView{"OffsetHuge", PickleOfView(6, kHuge, {3}, {1}), "leave its"},
        BadView{"TooLarge", PickleOfView(6, 0, {7}, {1}), "leave its storage"},
        BadView{"CountTooLarge", PickleOfView(7, 0, {3}, {1}),
                "has 24 bytes, the pickle says 7 numbers of 4"},
        BadView{"CountNegative", PickleOfView(-6, 0, {3}, {1}),
                "the pickle says -6 numbers"},
        BadView{"Transposed", PickleOfView(6, 0, {2, 3}, {1, 2}),
                "strides [1,2] of shape [2,3] are not contiguous"},
        BadView{"EverySecond", PickleOfView(6, 0, {3}, {2}), "not contiguous"},
        BadView{"Repeated", PickleOfView(6, 0, {1000}, {0}), "not contiguous"},
        BadView{"Backwards", PickleOfView(6, 5, {3}, {-1}), "not contiguous"},
        BadView{"StridesTooFew", PickleOfView(6, 0, {2, 3}, {1}),
                "strides [1] for shape [2,3]"},
        BadView{"NoShape", PickleOfView(6, 0, {}, {}), "has 0 dimensions"},
        BadView{"FiveDimensions",
                PickleOfView(6, 0, {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}),
                "has 5 dimensions"},
        BadView{"DimensionZero", PickleOfView(6, 0, {0}, {1}), "dimension 0"},
        BadView{"DimensionNegative", PickleOfView(6, 0, {-2}, {1}),
                "dimension -2"},
        BadView{"DimensionHuge", PickleOfView(6, 0, {kHuge}, {1}),
                "dimension 2147483647"},
        BadView{"Overflow",
                PickleOfView(6, 0, {1 << 24, 1 << 24, 1 << 24, 1 << 24},
                             {1, 1, 1, 1}),
                "too many numbers"},
        BadView{"NoStorage", PickleOfView(6, 0, {3}, {1}, "1"),
                "w: its storage '1' is not in the archive"},
        BadView{"StorageOutside", PickleOfView(6, 0, {3}, {1}, "../x"),
                "its storage '../x' is not"},
        BadView{"BadPickle", "\x80\x02}.}",
                "pickle byte 3: bytes after the end"},
        BadView{"Evil", "\x80\x02"s + "cos\nsystem\n.", "'os system'"}),
    [](const auto& info) { return info.param.name; });

struct BadArchive {
  const char* name;
  std::function<std::string()> write;  // the path
  const char* message;
};

Entries Without(const char* name) {
  Entries entries = GoodEntries();
  entries.erase(std::find_if(entries.begin(), entries.end(),
                             [&](const auto& e) { return e.first == name; }));
  return entries;
}

Entries With(const char* name, const std::string& bytes) {
  Entries entries = Without(name);
  entries.emplace_back(name, bytes);
  return entries;
}

// The good archive's bytes, changed.
std::string Changed(const std::function<void(std::string*)>& change) {
  std::string bytes = ReadFile(WriteArchive(GoodEntries()));
  change(&bytes);
  return WriteFile("t.pth", bytes);
}

// A table, however long.
// NOLINTNEXTLINE(readability-function-size)
std::vector<BadArchive> BadArchives() {
  const auto archive = [](Entries entries) {
    return [=] { return WriteArchive(entries); };
  };
  const auto changed = [](std::function<void(std::string*)> change) {
    return [=] { return Changed(change); };
  };
  std::vector<TinyTensor> twice = TwoTensors();
  twice[1].name = "a";
  std::vector<TinyTensor> long_name = TwoTensors();
  long_name[1].name = std::string(255, 'x') + "\n";
  std::vector<TinyTensor> no_name = TwoTensors();
  no_name[1].name = "";
  return {
      {"Deflated",
       [] {
         return WriteArchive({{"m/data.pkl", std::string(5000, 'a')}}, true);
       },
       "zip entry 'm/data.pkl' is not stored as it is"},
      {"NoPickle", archive(Without("m/data.pkl")), "without data.pkl"},
      {"NoStorage", archive(Without("m/data/1")),
       "b: its storage '1' is not in the archive"},
      {"StorageTooShort", archive(With("m/data/1", "1234")),
       "its storage has 4 bytes, the pickle says 2 numbers"},
      {"StorageTooLong", archive(With("m/data/1", "1234567890ab")),
       "its storage has 12 bytes"},
      {"StorageOdd", archive(With("m/data/1", "123456789")),
       "its storage has 9 bytes"},
      {"BigEndian", archive(With("m/byteorder", "big")),
       "byte order 'big', want little"},
      {"LongByteOrder", archive(With("m/byteorder", std::string(99, 'x'))),
       "byte order 'xxxx"},
      {"PickleTooLarge",
       archive(With("m/data.pkl", std::string((8 << 20) + 1, 'x'))),
       "a pickle of 8388609 bytes"},
      {"SameNameTwice",
       archive(With("m/data.pkl", PickleOf(twice, DType::kF32))),
       "a: is there twice"},
      {"NameTooLong",
       archive(With("m/data.pkl", PickleOf(long_name, DType::kF32))),
       "name has 257 bytes"},
      {"NameEmpty", archive(With("m/data.pkl", PickleOf(no_name, DType::kF32))),
       "name has 0 bytes"},
      {"OtherDtype",
       archive(With("m/data.pkl", PickleOf(TwoTensors(), DType::kBF16))),
       "its storage has 24 bytes, the pickle says 6 numbers of 2"},
      {"Empty", [] { return WriteFile("t.pth", ""); }, "too short"},
      {"Magic", [] { return WriteFile("t.pth", "PK\3\4"); }, "too short"},
      {"NotAZip", [] { return WriteFile("t.pth", std::string(500, 'x')); },
       "does not end in an end record"},
      {"BytesAfter", changed([](std::string* b) { b->append("x"); }),
       "does not end in an end record"},
      {"BytesBefore", changed([](std::string* b) { b->insert(0, "x"); }),
       "bad zip archive"},
      {"Comment", changed([](std::string* b) { (*b)[b->size() - 2] = 1; }),
       "does not end in an end record"},
      {"ManyEntries", changed([](std::string* b) {
         b->replace(b->size() - 14, 4, "\xf0\xff\xf0\xff");
       }),
       "65520 entries in"},
      {"HugeDirectory", changed([](std::string* b) {
         b->replace(b->size() - 10, 4, "\xf0\xff\xff\xff");
       }),
       "bytes of directory are too many"},
      {"DirectoryElsewhere", changed([](std::string* b) {
         b->replace(b->size() - 6, 4, "\xf0\xff\xff\x7f");
       }),
       "bad zip archive"},
      {"NameChangedInDirectoryOnly",
       changed([](std::string* b) { (*b)[b->rfind("m/data/1")] = 'n'; }),
       "bad zip archive"},
  };
}

class BadArchiveTest : public testing::TestWithParam<BadArchive> {};

TEST_P(BadArchiveTest, IsRefusedInASentence) {
  const auto source = Open(GetParam().write());
  EXPECT_EQ(source.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(source.status().message()),
              HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(Archives, BadArchiveTest,
                         testing::ValuesIn(BadArchives()),
                         [](const auto& info) { return info.param.name; });

TEST(PthTest, ChecksumsAreCompared) {
  const std::string path = Changed([](std::string* bytes) {
    // A number in the middle of the first storage: 3.0 becomes 3.0000002.
    bytes->at(bytes->find(Encode({1, 2, 3}, DType::kF32)) + 8) ^= 1;
  });
  auto source = Open(path);
  ASSERT_TRUE(source.ok()) << source.status();
  const absl::Status status = ReadEverything(std::move(source));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("CRC"));
}

TEST(PthTest, EveryTruncationIsRefused) {
  ExpectNoTruncationIsRead(ReadFile(WriteArchive(GoodEntries())), &OpenPth);
}

TEST(PthTest, RandomDamageNeverCrashes) {
  const std::string good = ReadFile(WriteArchive(GoodEntries()));
  EXPECT_GT(CountRefusedDamage(good, good.size(), &OpenPth), 2000);
}

}  // namespace
}  // namespace oxbow
