#include "engine/find_checkpoint.h"

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/testing/stored_streams.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/faulty_store.h"
#include "store/testing/status_is.h"
#include "tests/testing/random_text.h"

namespace oxbow {
namespace {

using UnitKind = LogUnit::Kind;
using testing::ElementsAre;
using testing::IsEmpty;

// The longest has four bytes: the last three of an open text are open.
const std::vector<std::string>& Pieces() {
  static const auto* const kPieces = new std::vector<std::string>{
      "ab", "abc", "aabb", "\n\n", "\xc3\xa9", "  ", "cca", "bbb"};
  return *kPieces;
}
constexpr uint64_t kOpen = 3;

// A store some of whose states cannot be read.
class DamagedStore : public FaultyStore {
 public:
  using FaultyStore::FaultyStore;
  absl::StatusOr<Checkpoint> ReadCheckpoint(StreamUid uid,
                                            const std::string& reader,
                                            uint64_t token_offset) override {
    const auto damage = damage_.find(token_offset);
    if (damage != damage_.end()) return damage->second;
    return FaultyStore::ReadCheckpoint(uid, reader, token_offset);
  }
  void Damage(uint64_t token_offset, absl::Status status) {
    damage_[token_offset] = std::move(status);
  }

 private:
  std::map<uint64_t, absl::Status> damage_;
};

class FindCheckpointTest : public testing::Test {
 protected:
  FindCheckpointOptions To(Position target, PointEnd end) const {
    FindCheckpointOptions options;
    options.reader = "generator";
    options.longest_piece = streams_.tokenizer().longest_piece();
    options.target = target;
    options.end = end;
    return options;
  }

  std::vector<uint64_t> Usable(StreamUid uid,
                               const FindCheckpointOptions& options) {
    const auto headers =
        UsableCheckpoints(streams_.store(), streams_.View(uid), options);
    EXPECT_OK(headers);
    std::vector<uint64_t> tokens;
    for (const CheckpointHeader& header : *headers) {
      tokens.push_back(header.token_offset);
    }
    return tokens;
  }

  // A text of 20 bytes that are a token each, a checkpoint behind each.
  StreamUid Letters() {
    const StreamUid uid = streams_.Create();
    streams_.AppendText(uid, std::string(20, 'x'));
    for (uint64_t token = 1; token <= 20; ++token) {
      streams_.PutCheckpoint(uid, token, {token, 0});
    }
    return uid;
  }

  StoredStreams streams_{Pieces()};
};

TEST_F(FindCheckpointTest, AClosedPointIsReachedFromItself) {
  const StreamUid uid = Letters();
  EXPECT_THAT(Usable(uid, To({4, 0}, PointEnd::kClosed)),
              ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(Usable(uid, To({0, 0}, PointEnd::kClosed)), IsEmpty());
}

TEST_F(FindCheckpointTest, AnOpenPointOnlyFromBeforeTheLongestPiece) {
  const StreamUid uid = Letters();
  EXPECT_THAT(Usable(uid, To({4 + kOpen, 0}, PointEnd::kOpen)),
              ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(Usable(uid, To({kOpen, 0}, PointEnd::kOpen)), IsEmpty());
}

TEST_F(FindCheckpointTest, TheHeadHasDecidedWhatItHasStored) {
  const StreamUid uid = Letters();
  FindCheckpointOptions options = To({20, 0}, PointEnd::kOpen);
  options.target_is_head = true;
  EXPECT_EQ(Usable(uid, options).front(), 20u);
}

TEST_F(FindCheckpointTest, AForkSharesAllButTheOpenEnd) {
  const StreamUid child = streams_.Fork(Letters(), {9, 0}, /*seam=*/false);
  streams_.AppendText(child, "yyyyyyyy");
  EXPECT_EQ(Usable(child, To({15, 0}, PointEnd::kClosed)).front(), 9 - kOpen);
  // In the shared part it is a point like any.
  EXPECT_EQ(Usable(child, To({9, 0}, PointEnd::kClosed)).front(), 9u);
  // What was its parent's head is not its own.
  FindCheckpointOptions options = To({9, 0}, PointEnd::kOpen);
  options.target_is_head = true;
  EXPECT_EQ(Usable(child, options).front(), 9 - kOpen);
}

TEST_F(FindCheckpointTest, ASeamClosesTheForkForTheReaderThatSeesIt) {
  const StreamUid child = streams_.Fork(Letters(), {9, 0}, /*seam=*/true);
  streams_.AppendText(child, "yyyyyyyy");
  FindCheckpointOptions options = To({15, 0}, PointEnd::kClosed);
  EXPECT_EQ(Usable(child, options).front(), 9u);
  options.reads_ids = false;
  EXPECT_EQ(Usable(child, options).front(), 9 - kOpen);
}

TEST_F(FindCheckpointTest, TokensOfNoBytesComeAfterTheByte) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, "xx");
  streams_.AppendIds(uid, {0, 0});
  streams_.PutCheckpoint(uid, 2, {2, 0});
  streams_.PutCheckpoint(uid, 3, {2, 1});
  EXPECT_THAT(Usable(uid, To({2, 0}, PointEnd::kClosed)), ElementsAre(2));
  EXPECT_THAT(Usable(uid, To({2, 1}, PointEnd::kClosed)), ElementsAre(3, 2));
}

TEST_F(FindCheckpointTest, AForkBetweenTwoTokensOfNoBytesSharesTheFirst) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, "xx");
  streams_.AppendIds(uid, {0, 0});
  streams_.PutCheckpoint(uid, 3, {2, 1});
  streams_.PutCheckpoint(uid, 4, {2, 2});
  const StreamUid child = streams_.Fork(uid, {2, 1}, /*seam=*/true);
  streams_.AppendText(child, "yy");
  EXPECT_THAT(Usable(child, To({4, 0}, PointEnd::kClosed)), ElementsAre(3));
}

TEST_F(FindCheckpointTest, OnlyTheReadersOwn) {
  const StreamUid uid = Letters();
  FindCheckpointOptions options = To({4, 0}, PointEnd::kClosed);
  options.reader = "embedder";
  EXPECT_THAT(Usable(uid, options), IsEmpty());
  options = To({4, 0}, PointEnd::kClosed);
  options.model_id[0] = 1;
  EXPECT_THAT(Usable(uid, options), IsEmpty());
  options = To({4, 0}, PointEnd::kClosed);
  options.layout_id = "another";
  EXPECT_THAT(Usable(uid, options), IsEmpty());
  options = To({4, 0}, PointEnd::kClosed);
  options.numerics_id = "another";
  EXPECT_THAT(Usable(uid, options), IsEmpty());
}

TEST_F(FindCheckpointTest, NotBehindWhatMustBePassed) {
  const StreamUid uid = Letters();
  FindCheckpointOptions options = To({9, 0}, PointEnd::kClosed);
  options.token_offset_max = 5;
  EXPECT_EQ(Usable(uid, options).front(), 5u);
  options.byte_offset_max = 2;
  EXPECT_EQ(Usable(uid, options).front(), 2u);
}

TEST_F(FindCheckpointTest, ADamagedStateIsPassedOver) {
  const StreamUid uid = Letters();
  DamagedStore store(&streams_.store());
  const auto options = To({9, 0}, PointEnd::kClosed);
  store.Damage(9, absl::DataLossError("a flipped bit"));
  store.Damage(8, absl::NotFoundError("dropped since"));
  auto found = FindCheckpoint(store, streams_.View(uid), options);
  ASSERT_OK(found);
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->header.token_offset, 7u);
  EXPECT_EQ((*found)->state, "state");
  // What says nothing of the state itself is no reason to go on.
  store.Damage(9, absl::UnavailableError("the disk is away"));
  EXPECT_THAT(FindCheckpoint(store, streams_.View(uid), options),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(FindCheckpointTest, WithoutAnyTheBeginningIsTheStart) {
  const StreamUid uid = Letters();
  DamagedStore store(&streams_.store());
  store.Damage(1, absl::DataLossError("a flipped bit"));
  const auto found =
      FindCheckpoint(store, streams_.View(uid), To({1, 0}, PointEnd::kClosed));
  ASSERT_OK(found);
  EXPECT_FALSE(found->has_value());
}

// Whatever is called usable is: its tokens are the target's first.
class SoundnessTest : public FindCheckpointTest {
 protected:
  void Grow(StreamUid uid) {
    if (random_() % 3 > 0) {
      return streams_.AppendText(uid, RandomText(1 + random_() % 30, &random_));
    }
    std::vector<int> ids;
    for (int i = random_() % 4; i >= 0; --i) {
      ids.push_back(random_() % 2 == 0 ? 0 : 257 + random_() % Pieces().size());
    }
    streams_.AppendIds(uid, ids);
  }

  // Where a unit ends; for an open fork, where the log first was so long.
  Position RandomPlace(StreamUid uid, bool seam) {
    const std::vector<LogUnit>& units = streams_.Units(uid);
    Position place;
    if (!units.empty()) place = units[random_() % units.size()].end;
    if (!seam) place.zero_byte_tokens = 0;
    return place;
  }

  std::vector<StreamUid> RandomTree() {
    std::vector<StreamUid> tree = {streams_.Create()};
    for (int step = 0; step < 25; ++step) {
      const StreamUid uid = tree[random_() % tree.size()];
      if (random_() % 4 > 0) {
        Grow(uid);
      } else {
        const bool seam = random_() % 3 == 0;
        tree.push_back(streams_.Fork(uid, RandomPlace(uid, seam), seam));
      }
    }
    for (StreamUid uid : tree) {
      const std::vector<FedToken> decided = streams_.Decided(uid);
      for (size_t i = 0; i < decided.size(); ++i) {
        streams_.PutCheckpoint(uid, i + 1, decided[i].end);
      }
    }
    return tree;
  }

  // The ids of the log up to `target`, `more` behind it.
  std::vector<int> IdsUpTo(StreamUid uid, Position target,
                           const std::string& more) {
    TokenFeed feed(&streams_.tokenizer(), Position{});
    for (const LogUnit& unit : streams_.Units(uid)) {
      if (target < unit.end) break;
      if (unit.kind == UnitKind::kByte) {
        feed.AddText(std::string(1, static_cast<char>(unit.value)));
      } else if (unit.kind == UnitKind::kId) {
        feed.AddIds({unit.value});
      } else {
        feed.AddSeam();
      }
    }
    feed.AddText(more);
    feed.AddSeam();
    return IdsOf(feed.Take(feed.decided().size()));
  }

  static std::vector<int> IdsOf(const std::vector<FedToken>& tokens) {
    std::vector<int> ids;
    for (const FedToken& token : tokens) ids.push_back(token.id);
    return ids;
  }

  void ExpectSound(StreamUid uid, Position target, PointEnd end) {
    const auto headers = UsableCheckpoints(streams_.store(), streams_.View(uid),
                                           To(target, end));
    ASSERT_OK(headers);
    used_ += headers->size();
    std::map<StreamUid, std::vector<int>> held;
    for (const CheckpointHeader& header : *headers) {
      held.emplace(header.uid, std::vector<int>());
    }
    for (auto& [owner, ids] : held) ids = IdsOf(streams_.Decided(owner));
    for (const std::string more : {"", "b", "bb", "aabb", "c a", "\n"}) {
      if (end == PointEnd::kClosed && !more.empty()) break;
      const std::vector<int> ids = IdsUpTo(uid, target, more);
      for (const CheckpointHeader& header : *headers) {
        const auto begin = held[header.uid].begin();
        ASSERT_GE(ids.size(), header.token_offset);
        ASSERT_TRUE(std::equal(begin, begin + header.token_offset, ids.begin()))
            << "uid " << uid << " to byte " << target.byte_offset << " from "
            << header.uid << " at " << header.position.byte_offset;
      }
    }
  }

  std::mt19937_64 random_{314159};
  size_t used_ = 0;
};

TEST_F(SoundnessTest, WhatIsUsableHoldsTheTargetsTokens) {
  for (int round = 0; round < 15; ++round) {
    for (StreamUid uid : RandomTree()) {
      for (int i = 0; i < 4; ++i) {
        ExpectSound(uid, RandomPlace(uid, true), PointEnd::kClosed);
        ExpectSound(uid, RandomPlace(uid, false), PointEnd::kOpen);
      }
    }
  }
  EXPECT_GT(used_, 10000u);
}

}  // namespace
}  // namespace oxbow
