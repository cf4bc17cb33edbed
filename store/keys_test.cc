#include "store/keys.h"

#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "store/testing/status_is.h"

namespace oxbow {
namespace {

bool Holds(const KeyRange& range, const std::string& key) {
  return range.begin <= key && key < range.end;
}

// Strings that glueing without care would confuse.
std::vector<std::string> Awkward() {
  return {"",
          "a",
          "b",
          "ab",
          std::string("\0", 1),
          std::string("\0\1", 2),
          std::string("a\0", 2),
          std::string("a\0\1", 3),
          std::string("a\0\xff", 3),
          "\1",
          "\xff",
          "a\xff\xff"};
}

TEST(KeysTest, NoTwoNamesShareAKeyAndTenantsStayApart) {
  std::set<std::string> keys;
  for (const std::string& tenant : Awkward()) {
    for (const std::string& name : Awkward()) {
      const std::string key = NameKey(tenant, name);
      EXPECT_TRUE(keys.insert(key).second);
      for (const std::string& other : Awkward()) {
        const KeyRange all = NamesAfter(other, "");
        EXPECT_EQ(Holds(all, key), other == tenant);
        for (const std::string& after : Awkward()) {
          if (after.empty()) continue;
          EXPECT_EQ(Holds(NamesAfter(other, after), key),
                    other == tenant && after < name);
        }
      }
    }
  }
}

TEST(KeysTest, ReadersStayApart) {
  std::set<std::string> keys;
  for (const std::string& reader : Awkward()) {
    for (uint64_t offset : {0ull, 1ull, 255ull, 256ull, ~0ull}) {
      const std::string key = CheckpointKey(7, reader, offset);
      EXPECT_TRUE(keys.insert(key).second);
      for (const std::string& other : Awkward()) {
        EXPECT_EQ(Holds(CheckpointsOf(7, other), key), other == reader);
      }
      EXPECT_FALSE(Holds(CheckpointsOf(8, reader), key));
      EXPECT_TRUE(Holds(AllOf(7), key));
    }
  }
}

TEST(KeysTest, TheOrderOfKeysIsTheOrderOfNumbers) {
  const std::vector<uint64_t> numbers = {
      0, 1, 127, 128, 255, 256, 65535, 1u << 31, 1ull << 40, ~0ull - 1, ~0ull};
  for (size_t i = 0; i + 1 < numbers.size(); ++i) {
    const uint64_t low = numbers[i], high = numbers[i + 1];
    EXPECT_LT(LogKey(1, low, high), LogKey(1, high, low));
    EXPECT_LT(LogKey(1, 5, low), LogKey(1, 5, high));
    EXPECT_LT(EmbeddingKey(1, low), EmbeddingKey(1, high));
    EXPECT_LT(CheckpointKey(1, "g", low), CheckpointKey(1, "g", high));
  }
}

TEST(KeysTest, ARangeOfAUidHoldsItsKeysOnly) {
  for (StreamUid uid : {1ull, 255ull, 0xffffull, 0xff00ffull}) {
    for (StreamUid other : {uid - 1, uid, uid + 1}) {
      EXPECT_EQ(Holds(AllOf(uid), LogKey(other, ~0ull, ~0ull)), other == uid);
      EXPECT_EQ(Holds(AllOf(uid), EmbeddingKey(other, 0)), other == uid);
      EXPECT_EQ(Holds(RequestsOf(uid), RequestKey(other, "\xff\xff")),
                other == uid);
    }
    EXPECT_TRUE(Holds(AllStreams(), StreamKey(uid)));
    EXPECT_FALSE(Holds(AllStreams(), UnownedKey(uid)));
    EXPECT_TRUE(Holds(AllUnowned(), UnownedKey(uid)));
  }
}

TEST(KeysTest, FamiliesOfMetaKeysDoNotMeet) {
  const std::set<std::string> keys = {
      FormatKey(),   UidLimitKey(),   PropertyKey(""),  StreamKey(1),
      UnownedKey(1), NameKey("", ""), RequestKey(1, "")};
  EXPECT_EQ(keys.size(), 7u);
}

TEST(KeysTest, NumbersComeBack) {
  EXPECT_EQ(*UidOfMetaKey(StreamKey(0x0102030405060708)), 0x0102030405060708u);
  EXPECT_EQ(*UidOfMetaKey(UnownedKey(9)), 9u);
  EXPECT_EQ(*UidOfKey(LogKey(77, 1, 2)), 77u);
  EXPECT_EQ(*SequenceOfLogKey(LogKey(77, 1, ~0ull)), ~0ull);
}

TEST(KeysTest, HostileKeysAreDataLoss) {
  EXPECT_THAT(UidOfMetaKey("S"), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(UidOfMetaKey("S123456789"),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(UidOfKey("1234567"), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(SequenceOfLogKey(EmbeddingKey(1, 2)),
              StatusIs(absl::StatusCode::kDataLoss));
}

// The layout on disk, byte by byte: a change is a new format number.
TEST(KeysTest, TheLayoutStands) {
  EXPECT_EQ(NameKey("t", "n"), std::string("Nt\0\1n", 5));
  EXPECT_EQ(StreamKey(258), std::string("S\0\0\0\0\0\0\1\2", 9));
  EXPECT_EQ(LogKey(1, 2, 3), std::string("\0\0\0\0\0\0\0\1"
                                         "\0\0\0\0\0\0\0\2"
                                         "\0\0\0\0\0\0\0\3",
                                         24));
  EXPECT_EQ(CheckpointKey(1, "g", 2), std::string("\0\0\0\0\0\0\0\1g\0\1"
                                                  "\0\0\0\0\0\0\0\2",
                                                  19));
}

}  // namespace
}  // namespace oxbow
