#include "engine/compare_chunk.h"

#include <random>
#include <string>
#include <vector>

#include "engine/error_reason.h"
#include "engine/measure_record.h"
#include "engine/testing/stored_streams.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/status_is.h"
#include "tests/testing/random_text.h"

namespace oxbow {
namespace {

using UnitKind = LogUnit::Kind;
using testing::ElementsAre;

class CompareChunkTest : public testing::Test {
 protected:
  int Id(const std::string& piece) { return streams_.tokenizer().IdOf(piece); }

  static AppendChunk Text(Position at, const std::string& text) {
    AppendChunk chunk;
    chunk.position = at;
    chunk.text = text;
    return chunk;
  }
  static AppendChunk Ids(Position at, const std::vector<int>& ids) {
    AppendChunk chunk;
    chunk.position = at;
    chunk.kind = LogRecord::Kind::kTokens;
    chunk.ids = ids;
    return chunk;
  }

  absl::StatusOr<AppendChunk> Compare(StreamUid uid, const AppendChunk& chunk) {
    return CompareChunk(streams_.store(), streams_.tokenizer(),
                        streams_.View(uid), streams_.End(uid), chunk);
  }

  void ExpectConflict(StreamUid uid, const AppendChunk& chunk) {
    const auto rest = Compare(uid, chunk);
    EXPECT_THAT(rest, StatusIs(absl::StatusCode::kAlreadyExists));
    EXPECT_EQ(ReasonOf(rest.status()), "CHUNK_CONFLICT");
  }

  StoredStreams streams_{{"ab", "abc", "bc"}};
};

TEST_F(CompareChunkTest, ARepeatIsNothingNew) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, "hello ");
  streams_.AppendText(uid, "world");
  for (size_t begin = 0; begin < 11; ++begin) {
    const auto rest = Compare(
        uid, Text({begin, 0}, std::string("hello world").substr(begin, 3)));
    ASSERT_OK(rest);
    EXPECT_EQ(rest->text, "");
  }
}

TEST_F(CompareChunkTest, OnlyTheNewSuffixIsLeft) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, "hello");
  const auto rest = Compare(uid, Text({3, 0}, "lo world"));
  ASSERT_OK(rest);
  EXPECT_EQ(rest->text, " world");
  EXPECT_EQ(*rest->position, (Position{5, 0}));
}

TEST_F(CompareChunkTest, OtherBytesConflict) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, "hello");
  ExpectConflict(uid, Text({0, 0}, "hellO"));
  ExpectConflict(uid, Text({4, 0}, "Oh"));
}

TEST_F(CompareChunkTest, TheSameBytesAsIdsConflict) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, "ab");
  streams_.AppendIds(uid, {Id("ab")});
  ExpectConflict(uid, Ids({0, 0}, {Id("ab")}));
  ExpectConflict(uid, Text({2, 0}, "ab"));
  ExpectConflict(uid, Text({0, 0}, "abab"));
  ExpectConflict(uid, Ids({2, 0}, {Id("a"), Id("b")}));
  ExpectConflict(uid, Ids({2, 0}, {Id("abc")}));
}

TEST_F(CompareChunkTest, IdsOverlap) {
  const StreamUid uid = streams_.Create();
  streams_.AppendIds(uid, {Id("ab"), 0, Id("bc")});
  const auto rest = Compare(uid, Ids({2, 0}, {0, Id("bc"), Id("abc"), 0}));
  ASSERT_OK(rest);
  EXPECT_THAT(rest->ids, ElementsAre(Id("abc"), 0));
  EXPECT_EQ(*rest->position, (Position{4, 0}));
}

TEST_F(CompareChunkTest, APlaceInsideAnIdWasNeverAcknowledged) {
  const StreamUid uid = streams_.Create();
  streams_.AppendIds(uid, {Id("abc")});
  streams_.AppendText(uid, "x");
  ExpectConflict(uid, Text({1, 0}, "bc"));
  ExpectConflict(uid, Ids({1, 0}, {Id("bc")}));
}

TEST_F(CompareChunkTest, NorWasOneBehindTokensThatAreNotThere) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, "ab");
  streams_.AppendIds(uid, {0});
  streams_.AppendText(uid, "cd");
  EXPECT_OK(Compare(uid, Text({2, 1}, "cd")));
  ExpectConflict(uid, Text({2, 2}, "cd"));
  ExpectConflict(uid, Text({1, 1}, "b"));
  // At the byte, but before the id that stands there.
  ExpectConflict(uid, Text({2, 0}, "cd"));
}

TEST_F(CompareChunkTest, AForksBeginningIsComparedToo) {
  const StreamUid root = streams_.Create();
  streams_.AppendText(root, "hello world");
  const StreamUid child = streams_.Fork(root, {5, 0}, /*seam=*/true);
  streams_.AppendText(child, ", you");
  EXPECT_EQ(Compare(child, Text({3, 0}, "lo, you all"))->text, " all");
  ExpectConflict(child, Text({3, 0}, "lo world"));
}

// Random chunks against the plain list of what a log holds.
class RandomChunkTest : public CompareChunkTest {
 protected:
  // Nothing but the first unit's own position may be where a chunk begins.
  std::vector<LogUnit> UnitsOf(StreamUid uid) {
    std::vector<LogUnit> units;
    for (const LogUnit& unit : streams_.Units(uid)) {
      if (unit.kind != UnitKind::kSeam) units.push_back(unit);
    }
    return units;
  }

  StreamUid RandomStream() {
    StreamUid uid = streams_.Create();
    for (int i = random_() % 8 + 2; i >= 0; --i) {
      if (random_() % 2 == 0) {
        streams_.AppendText(uid, RandomText(1 + random_() % 10, &random_));
      } else {
        streams_.AppendIds(uid, RandomIds());
      }
      if (random_() % 5 == 0) {
        uid = streams_.Fork(uid, streams_.End(uid), random_() % 2 == 0);
      }
    }
    return uid;
  }

  std::vector<int> RandomIds() {
    std::vector<int> ids;
    for (int i = random_() % 5; i >= 0; --i) {
      ids.push_back(random_() % 3 == 0 ? 0 : 256 + random_() % 4);
    }
    return ids;
  }

  // A chunk that repeats some units of one kind, and perhaps goes on, and
  // perhaps errs.
  AppendChunk RandomChunk(const std::vector<LogUnit>& units) {
    size_t at = random_() % units.size();
    AppendChunk chunk;
    chunk.position = at == 0 ? Position() : units[at - 1].end;
    const UnitKind kind = units[at].kind;
    if (kind == UnitKind::kId) chunk.kind = LogRecord::Kind::kTokens;
    for (int left = random_() % 12; at < units.size() && left >= 0; --left) {
      if (units[at].kind != kind) break;
      Add(kind, units[at++].value, &chunk);
    }
    while (random_() % 3 == 0) Add(kind, 257 + random_() % 3, &chunk);
    if (random_() % 10 == 0) ++chunk.position->byte_offset;
    if (random_() % 10 == 0) ++chunk.position->zero_byte_tokens;
    return chunk;
  }

  static void Add(UnitKind kind, int value, AppendChunk* chunk) {
    if (kind == UnitKind::kId) {
      chunk->ids.push_back(value);
    } else {
      chunk->text += static_cast<char>(value);
    }
  }

  // How many of the chunk's units are new; -1: it conflicts.
  int Expected(const std::vector<LogUnit>& units, const AppendChunk& chunk) {
    size_t at = 0;
    Position begin;
    while (at < units.size() && begin < *chunk.position) {
      begin = units[at++].end;
    }
    if (begin != *chunk.position) return -1;
    const bool ids = chunk.kind == LogRecord::Kind::kTokens;
    const UnitKind kind = ids ? UnitKind::kId : UnitKind::kByte;
    const size_t size = ids ? chunk.ids.size() : chunk.text.size();
    for (size_t i = 0; i < size; ++i, ++at) {
      if (at == units.size()) return static_cast<int>(size - i);
      const int value =
          ids ? chunk.ids[i] : static_cast<unsigned char>(chunk.text[i]);
      if (units[at].kind != kind || units[at].value != value) return -1;
    }
    return 0;
  }

  std::mt19937_64 random_{60221};
};

TEST_F(RandomChunkTest, TheLogIsComparedUnitByUnit) {
  int conflicts = 0, overlaps = 0;
  for (int round = 0; round < 300; ++round) {
    const StreamUid uid = RandomStream();
    const std::vector<LogUnit> units = UnitsOf(uid);
    for (int i = 0; i < 20; ++i) {
      const AppendChunk chunk = RandomChunk(units);
      if (!(*chunk.position < streams_.End(uid))) continue;
      const int expected = Expected(units, chunk);
      const auto rest = Compare(uid, chunk);
      ASSERT_EQ(rest.ok(), expected >= 0)
          << rest.status() << " round " << round << " at "
          << chunk.position->byte_offset << "+"
          << chunk.position->zero_byte_tokens;
      if (!rest.ok()) {
        ++conflicts;
        continue;
      }
      ASSERT_EQ(static_cast<int>(rest->text.size() + rest->ids.size()),
                expected);
      if (expected == 0) continue;
      ++overlaps;
      ASSERT_EQ(*rest->position, streams_.End(uid));
    }
  }
  EXPECT_GT(conflicts, 300);
  EXPECT_GT(overlaps, 300);
}

}  // namespace
}  // namespace oxbow
