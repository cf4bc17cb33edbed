#include "engine/log_view.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/error_reason.h"
#include "engine/testing/stored_streams.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/status_is.h"
#include "tests/testing/random_text.h"

namespace oxbow {
namespace {

using UnitKind = LogUnit::Kind;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const std::vector<std::string>& Pieces() {
  static const auto* const kPieces = new std::vector<std::string>{
      "ab", "abc", "aabb", "\n\n", "\xc3\xa9", "  ", "cca", "bbb"};
  return *kPieces;
}

At AtPoint(At::Kind kind, uint64_t offset) {
  At at;
  at.kind = kind;
  at.offset = offset;
  return at;
}

// Bytes as they are, ids as <17>, seams as |.
std::string Spell(UnitKind kind, int value) {
  if (kind == UnitKind::kSeam) return "|";
  if (kind == UnitKind::kId) return absl::StrCat("<", value, ">");
  return std::string(1, static_cast<char>(value));
}

class LogViewTest : public testing::Test {
 protected:
  int Id(const std::string& piece) { return streams_.tokenizer().IdOf(piece); }

  absl::StatusOr<std::vector<LogEvent>> Read(StreamUid uid, IdsAre ids_are,
                                             Position limit, size_t bytes_max,
                                             LogPlace* place) {
    return ReadEvents(streams_.store(), streams_.tokenizer(),
                      streams_.View(uid), ids_are, limit, bytes_max, place);
  }

  // The events from `from` to `limit`, read in pages and spelled.
  std::string ReadAll(StreamUid uid, IdsAre ids_are, Position from,
                      Position limit, size_t bytes_max = 1 << 20) {
    std::string all;
    LogPlace place = streams_.View(uid).Begin(from);
    while (true) {
      const auto events = Read(uid, ids_are, limit, bytes_max, &place);
      EXPECT_OK(events);
      if (!events.ok() || events->empty()) break;
      for (const LogEvent& event : *events) {
        all += event.text;
        for (int id : event.ids) all += Spell(UnitKind::kId, id);
        if (event.kind == LogEvent::Kind::kSeam) all += "|";
      }
      EXPECT_EQ(events->back().end.byte_offset, place.position.byte_offset);
    }
    EXPECT_EQ(place.position, limit);
    return all;
  }

  absl::StatusOr<Position> Resolve(StreamUid uid, const At& at) {
    return ResolveAt(streams_.store(), streams_.tokenizer(), streams_.View(uid),
                     at, streams_.End(uid));
  }

  StoredStreams streams_{Pieces()};
};

TEST_F(LogViewTest, AStreamOfItsOwnIsOnePart) {
  const StreamUid uid = streams_.Create();
  const LogView view = streams_.View(uid);
  ASSERT_EQ(view.parts().size(), 1u);
  EXPECT_EQ(view.parts()[0].uid, uid);
  EXPECT_EQ(view.own_begin(), Position());
  EXPECT_FALSE(view.parts()[0].end.has_value());
}

TEST_F(LogViewTest, AForkSharesWhatLiesBeforeIt) {
  const StreamUid root = streams_.Create();
  streams_.AppendText(root, "hello world");
  const StreamUid child = streams_.Fork(root, {5, 0}, false);
  streams_.AppendText(child, ", you");
  const StreamUid grandchild = streams_.Fork(child, {7, 0}, true);
  const LogView view = streams_.View(grandchild);
  ASSERT_EQ(view.parts().size(), 3u);
  EXPECT_EQ(view.parts()[1].uid, child);
  EXPECT_EQ(view.parts()[1].begin, (Position{5, 0}));
  EXPECT_EQ(*view.parts()[1].end, (Position{7, 0}));
  EXPECT_TRUE(view.parts()[1].seam_at_end);
  EXPECT_EQ(view.own_begin(), (Position{7, 0}));
}

TEST_F(LogViewTest, AForkInTheSharedPartSkipsTheParent) {
  const StreamUid root = streams_.Create();
  streams_.AppendText(root, "hello world");
  const StreamUid child = streams_.Fork(root, {5, 0}, true);
  streams_.AppendText(child, ", you");
  const std::vector<Segment> before =
      streams_.View(child).AncestryOfFork({3, 0}, false);
  ASSERT_EQ(before.size(), 1u);
  EXPECT_EQ(before[0].uid, root);
  EXPECT_EQ(before[0].end, (Position{3, 0}));
  EXPECT_FALSE(before[0].seam_at_end);
  // Where the child left its parent, its seam stays.
  const std::vector<Segment> there =
      streams_.View(child).AncestryOfFork({5, 0}, false);
  ASSERT_EQ(there.size(), 1u);
  EXPECT_EQ(there[0].uid, root);
  EXPECT_TRUE(there[0].seam_at_end);
}

TEST_F(LogViewTest, ATextIsCutAtBothEnds) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, "hello");
  streams_.AppendText(uid, " world");
  LogPlace place = streams_.View(uid).Begin({2, 0});
  const auto events = Read(uid, IdsAre::kIds, {8, 0}, 1000, &place);
  ASSERT_OK(events);
  EXPECT_THAT(*events, ElementsAre(Field(&LogEvent::text, "llo"),
                                   Field(&LogEvent::text, " wo")));
  EXPECT_EQ(place.position, (Position{8, 0}));
  EXPECT_THAT(*Read(uid, IdsAre::kIds, {8, 0}, 1000, &place), IsEmpty());
  // The limit may rise.
  const auto rest = Read(uid, IdsAre::kIds, {11, 0}, 1000, &place);
  EXPECT_THAT(*rest, ElementsAre(Field(&LogEvent::text, "rld")));
}

TEST_F(LogViewTest, IdsAreTextToTheOtherReader) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, "x");
  streams_.AppendIds(uid, {0, Id("abc"), 0});
  streams_.AppendIds(uid, {0});
  LogPlace place = streams_.View(uid).Begin(Position());
  const auto events = Read(uid, IdsAre::kText, {4, 2}, 1000, &place);
  ASSERT_OK(events);
  EXPECT_THAT(*events, ElementsAre(Field(&LogEvent::text, "x"),
                                   Field(&LogEvent::text, "abc")));
  EXPECT_EQ(place.position, (Position{4, 2}));
}

TEST_F(LogViewTest, TheOtherReaderSeesNoSeamAndMayStandInsideAnId) {
  const StreamUid root = streams_.Create();
  streams_.AppendIds(root, {Id("abc"), Id("ab")});
  const StreamUid child = streams_.Fork(root, {3, 0}, true);
  streams_.AppendText(child, "y");
  LogPlace place = streams_.View(child).Begin(Position());
  auto events = Read(child, IdsAre::kText, {2, 0}, 1000, &place);
  ASSERT_OK(events);
  EXPECT_THAT(*events, ElementsAre(Field(&LogEvent::text, "ab")));
  events = Read(child, IdsAre::kText, {4, 0}, 1000, &place);
  EXPECT_THAT(*events, ElementsAre(Field(&LogEvent::text, "c"),
                                   Field(&LogEvent::text, "y")));
}

TEST_F(LogViewTest, ALimitInsideAnIdNamesBothNeighbours) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, "x");
  streams_.AppendIds(uid, {Id("ab"), Id("aabb")});
  LogPlace place = streams_.View(uid).Begin(Position());
  const auto events = Read(uid, IdsAre::kIds, {5, 0}, 1000, &place);
  EXPECT_THAT(events, StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_EQ(ReasonOf(events.status()), "INSIDE_TOKEN");
  EXPECT_THAT(FactsOf(events.status()),
              UnorderedElementsAre(testing::Pair("byte_before", "3"),
                                   testing::Pair("byte_after", "7")));
}

TEST_F(LogViewTest, AnIdAtTheLimitComesAndOneBehindDoesNot) {
  const StreamUid uid = streams_.Create();
  streams_.AppendIds(uid, {Id("ab"), 0, 0, Id("abc")});
  EXPECT_EQ(ReadAll(uid, IdsAre::kIds, {}, {2, 1}),
            Spell(UnitKind::kId, Id("ab")) + "<0>");
  // First reached: tokens of no bytes come after it.
  EXPECT_EQ(ReadAll(uid, IdsAre::kIds, {}, {2, 0}),
            Spell(UnitKind::kId, Id("ab")));
}

TEST_F(LogViewTest, APlaceThatIsNotThereIsRefused) {
  const StreamUid uid = streams_.Create();
  streams_.AppendIds(uid, {Id("ab"), 0});
  streams_.AppendText(uid, "xyz");
  for (const Position limit : {Position{0, 1}, {2, 2}, {3, 1}}) {
    LogPlace place = streams_.View(uid).Begin(Position());
    EXPECT_EQ(ReasonOf(Read(uid, IdsAre::kIds, limit, 1000, &place).status()),
              "NO_SUCH_PLACE")
        << limit.byte_offset;
  }
}

// What follows in the same page must not be taken for it.
TEST_F(LogViewTest, APlaceThatIsNotThereIsNotPassed) {
  const StreamUid uid = streams_.Create();
  streams_.AppendIds(uid, {Id("ab"), 0, Id("ab")});
  streams_.AppendIds(uid, {0, Id("ab")});
  LogPlace place = streams_.View(uid).Begin(Position());
  EXPECT_EQ(ReasonOf(Read(uid, IdsAre::kIds, {2, 2}, 1000, &place).status()),
            "NO_SUCH_PLACE");
}

TEST_F(LogViewTest, ALogThatEndsEarlyIsDataLoss) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, "xyz");
  LogPlace place = streams_.View(uid).Begin(Position());
  EXPECT_THAT(Read(uid, IdsAre::kIds, {4, 0}, 1000, &place),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(LogViewTest, ASavepointOfAnAncestorIsSharedUpToTheFork) {
  const StreamUid root = streams_.Create();
  streams_.AppendText(root, "hello world");
  streams_.PutCheckpoint(root, 3, {3, 0}, {{"early", {4, 0}, {}}});
  streams_.PutCheckpoint(root, 4, {4, 0}, {{"late", {9, 0}, {}}});
  const StreamUid child = streams_.Fork(root, {6, 0}, false);
  At at;
  at.kind = At::Kind::kLabel;
  at.label = "late";
  EXPECT_EQ(*Resolve(root, at), (Position{9, 0}));
  EXPECT_EQ(ReasonOf(Resolve(child, at).status()), "NO_SAVEPOINT");
  at.label = "early";
  EXPECT_EQ(*Resolve(child, at), (Position{4, 0}));
  // The child's own hides its ancestor's.
  streams_.AppendText(child, "abcabc");
  streams_.PutCheckpoint(child, 5, {5, 0}, {{"early", {8, 0}, {}}});
  EXPECT_EQ(*Resolve(child, at), (Position{8, 0}));
}

TEST_F(LogViewTest, TheHeadIsWhatIsDurable) {
  const StreamUid uid = streams_.Create();
  streams_.AppendIds(uid, {Id("ab"), 0});
  EXPECT_EQ(*Resolve(uid, At()), (Position{2, 1}));
}

TEST_F(LogViewTest, PastTheEndIsRefused) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, "xyz");
  const auto byte = Resolve(uid, AtPoint(At::Kind::kByte, 4));
  EXPECT_THAT(byte, StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_EQ(ReasonOf(byte.status()), "PAST_END");
  EXPECT_EQ(FactsOf(byte.status()).at("byte_end"), "3");
  EXPECT_EQ(*Resolve(uid, AtPoint(At::Kind::kByte, 3)), (Position{3, 0}));
  const auto token = Resolve(uid, AtPoint(At::Kind::kToken, 4));
  EXPECT_EQ(ReasonOf(token.status()), "PAST_END");
  EXPECT_EQ(FactsOf(token.status()).at("token_end"), "3");
}

// Random trees of streams, held against plain lists.
class RandomLogTest : public LogViewTest {
 protected:
  void Grow(StreamUid uid) {
    if (random_() % 3 > 0) {
      return streams_.AppendText(uid, RandomText(1 + random_() % 40, &random_));
    }
    std::vector<int> ids;
    for (int i = random_() % 6; i >= 0; --i) {
      const int bytes_of = 257 + random_() % Pieces().size();
      ids.push_back(random_() % 3 == 0 ? 0 : bytes_of);
    }
    streams_.AppendIds(uid, ids);
  }

  // Where some unit ends, or the beginning.
  Position RandomPlace(StreamUid uid) {
    const std::vector<LogUnit>& units = streams_.Units(uid);
    const size_t i = random_() % (units.size() + 1);
    return i == 0 ? Position() : units[i - 1].end;
  }

  StreamUid RandomFork(StreamUid uid) {
    Position place = RandomPlace(uid);
    const bool seam = random_() % 3 == 0;
    if (!seam) place.zero_byte_tokens = 0;
    return streams_.Fork(uid, place, seam);
  }

  std::vector<StreamUid> RandomTree() {
    std::vector<StreamUid> tree = {streams_.Create()};
    for (int step = 0; step < 25; ++step) {
      const StreamUid uid = tree[random_() % tree.size()];
      if (random_() % 4 == 0) {
        tree.push_back(RandomFork(uid));
      } else {
        Grow(uid);
      }
    }
    return tree;
  }

  // What lies in (from, limit], and seams at either.
  std::string Expected(StreamUid uid, IdsAre ids_are, Position from,
                       Position limit) {
    std::string expected;
    for (const LogUnit& unit : streams_.Units(uid)) {
      const bool seam = unit.kind == UnitKind::kSeam;
      if (limit < unit.end || unit.end < from) continue;
      if (unit.end == from && !seam) continue;
      if (ids_are == IdsAre::kIds || unit.kind == UnitKind::kByte) {
        expected += Spell(unit.kind, unit.value);
      } else if (!seam) {
        expected += std::string(streams_.tokenizer().Piece(unit.value));
      }
    }
    return expected;
  }

  std::mt19937_64 random_{161803};
};

TEST_F(RandomLogTest, PagesOfAnySizeEqualTheWhole) {
  for (int round = 0; round < 40; ++round) {
    for (StreamUid uid : RandomTree()) {
      Position from = RandomPlace(uid), limit = RandomPlace(uid);
      if (limit < from) std::swap(from, limit);
      for (IdsAre ids_are : {IdsAre::kIds, IdsAre::kText}) {
        const std::string expected = Expected(uid, ids_are, from, limit);
        for (size_t bytes_max : {size_t{1}, 1 + random_() % 60, size_t{5000}}) {
          ASSERT_EQ(ReadAll(uid, ids_are, from, limit, bytes_max), expected)
              << "round " << round << " uid " << uid << " from "
              << from.byte_offset << "+" << from.zero_byte_tokens << " to "
              << limit.byte_offset << "+" << limit.zero_byte_tokens;
        }
      }
    }
  }
}

TEST_F(RandomLogTest, APageIsAboutAsLongAsAsked) {
  const StreamUid uid = streams_.Create();
  for (int i = 0; i < 100; ++i) streams_.AppendText(uid, "0123456789");
  LogPlace place = streams_.View(uid).Begin(Position());
  const auto events = Read(uid, IdsAre::kIds, {1000, 0}, 95, &place);
  ASSERT_OK(events);
  EXPECT_EQ(place.position, (Position{100, 0}));
}

TEST_F(RandomLogTest, EveryByteResolvesOrLiesInsideAnId) {
  for (int round = 0; round < 10; ++round) {
    for (StreamUid uid : RandomTree()) {
      std::map<uint64_t, bool> is_place = {{0, true}};
      for (const LogUnit& unit : streams_.Units(uid)) {
        is_place[unit.end.byte_offset] = true;
      }
      for (uint64_t byte = 0; byte <= streams_.End(uid).byte_offset; ++byte) {
        const auto resolved = Resolve(uid, AtPoint(At::Kind::kByte, byte));
        if (is_place[byte]) {
          ASSERT_OK(resolved);
          ASSERT_EQ(*resolved, (Position{byte, 0}));
        } else {
          ASSERT_EQ(ReasonOf(resolved.status()), "INSIDE_TOKEN") << byte;
        }
      }
    }
  }
}

TEST_F(RandomLogTest, TokensAreCountedFromAnyCheckpoint) {
  for (int round = 0; round < 20; ++round) {
    const std::vector<StreamUid> tree = RandomTree();
    for (StreamUid uid : tree) {
      const std::vector<FedToken> decided = streams_.Decided(uid);
      for (size_t i = 0; i < decided.size(); i += 1 + random_() % 20) {
        streams_.PutCheckpoint(uid, i + 1, decided[i].end);
      }
    }
    for (StreamUid uid : tree) {
      const std::vector<FedToken> decided = streams_.Decided(uid);
      EXPECT_EQ(*Resolve(uid, AtPoint(At::Kind::kToken, 0)), Position());
      for (size_t i = 0; i < decided.size(); ++i) {
        const auto resolved = Resolve(uid, AtPoint(At::Kind::kToken, i + 1));
        ASSERT_OK(resolved);
        ASSERT_EQ(*resolved, decided[i].end) << "token " << i + 1;
      }
      const auto past =
          Resolve(uid, AtPoint(At::Kind::kToken, decided.size() + 1));
      ASSERT_EQ(FactsOf(past.status())["token_end"],
                std::to_string(decided.size()));
    }
  }
}

}  // namespace
}  // namespace oxbow
