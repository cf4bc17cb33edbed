#include "engine/state_pool.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace oxbow {
namespace {

// Does what it is told and writes it down.
class Member : public PoolMember {
 public:
  explicit Member(StatePool* pool) : pool_(pool) {}
  ~Member() override { pool_->Leave(this); }

  bool Sit() override {
    if (slots_missing) return false;
    seated = true;
    ++sat;
    return true;
  }
  void GetUp() override {
    EXPECT_TRUE(seated && at_rest());
    seated = paused = false;
    if (work > 0) pool_->Want(this, SeatFor::kText);
  }
  void Pause() override { paused = true; }
  bool at_rest() const override {
    return seated && ((paused && stops) || work == 0);
  }
  bool had_turn(SeatFor waiting) const override {
    return turn_over || (moved && waiting == SeatFor::kAnswer);
  }
  bool held() const override { return is_held; }
  absl::Time last_used() const override {
    return absl::UnixEpoch() + absl::Seconds(used);
  }

  bool slots_missing = false;
  bool seated = false;
  bool paused = false;
  bool moved = false;
  bool turn_over = false;
  bool stops = true;  // at once, when paused
  bool is_held = false;
  int work = 1;
  int used = 0;
  int sat = 0;

 private:
  StatePool* const pool_;
};

class StatePoolTest : public testing::Test {
 protected:
  Member* Add() {
    members_.push_back(std::make_unique<Member>(&pool_));
    return members_.back().get();
  }
  Member* AddWaiting(SeatFor reason) {
    Member* const member = Add();
    pool_.Want(member, reason);
    return member;
  }

  StatePool pool_{2};
  std::vector<std::unique_ptr<Member>> members_;
};

TEST_F(StatePoolTest, SeatsAreGivenInTheOrderOfAsking) {
  Member* const a = AddWaiting(SeatFor::kText);
  Member* const b = AddWaiting(SeatFor::kText);
  Member* const c = AddWaiting(SeatFor::kText);
  pool_.Turn();
  EXPECT_TRUE(a->seated && b->seated && !c->seated);
  EXPECT_EQ(pool_.waiting(), 1u);
}

TEST_F(StatePoolTest, WhoHasNothingToDoGetsUpTheLeastRecentlyUsedFirst) {
  Member* const a = AddWaiting(SeatFor::kText);
  Member* const b = AddWaiting(SeatFor::kText);
  pool_.Turn();
  a->work = b->work = 0;
  a->used = 2;
  b->used = 1;
  Member* const c = AddWaiting(SeatFor::kText);
  pool_.Turn();
  EXPECT_TRUE(a->seated && !b->seated && c->seated);
}

TEST_F(StatePoolTest, NobodyGetsUpWhileNobodyWaits) {
  Member* const a = AddWaiting(SeatFor::kText);
  pool_.Turn();
  a->work = 0;
  a->turn_over = true;
  pool_.Turn();
  EXPECT_TRUE(a->seated);
}

TEST_F(StatePoolTest, WhoHadATurnIsPausedAndQueuesAgain) {
  Member* const a = AddWaiting(SeatFor::kText);
  Member* const b = AddWaiting(SeatFor::kText);
  Member* const c = AddWaiting(SeatFor::kText);
  pool_.Turn();
  EXPECT_FALSE(a->paused || b->paused) << "its turn is not over";
  b->turn_over = true;
  b->stops = false;
  pool_.Turn();
  EXPECT_TRUE(b->paused && !a->paused && b->seated);
  b->stops = true;
  pool_.Turn();
  EXPECT_TRUE(c->seated && !b->seated && a->seated);
  EXPECT_EQ(pool_.waiting(), 1u) << "it has work left";
}

TEST_F(StatePoolTest, AnAnswerDoesNotWaitForAWholeTurn) {
  Member* const a = AddWaiting(SeatFor::kText);
  Member* const b = AddWaiting(SeatFor::kText);
  pool_.Turn();
  a->moved = b->moved = true;
  Member* const text = AddWaiting(SeatFor::kText);
  pool_.Turn();
  EXPECT_FALSE(a->paused || b->paused);
  Member* const answer = AddWaiting(SeatFor::kAnswer);
  pool_.Turn();
  EXPECT_TRUE(answer->seated && !text->seated);
  EXPECT_TRUE(!a->seated && b->seated) << "one is enough";
}

TEST_F(StatePoolTest, NoMoreArePausedThanWait) {
  Member* const a = AddWaiting(SeatFor::kText);
  Member* const b = AddWaiting(SeatFor::kText);
  Member* const c = AddWaiting(SeatFor::kText);
  pool_.Turn();
  a->turn_over = b->turn_over = true;
  a->stops = false;
  pool_.Turn();
  EXPECT_TRUE(a->paused) << "it has been seated longest";
  EXPECT_FALSE(b->paused);
  EXPECT_FALSE(c->seated) << "not before one is at rest and got up";
}

// Else it would stand still for ever.
TEST_F(StatePoolTest, WhoWasPausedForNothingGoesOn) {
  Member* const a = AddWaiting(SeatFor::kText);
  AddWaiting(SeatFor::kText);
  Member* const c = AddWaiting(SeatFor::kText);
  pool_.Turn();
  a->turn_over = true;
  a->stops = false;
  pool_.Turn();
  ASSERT_TRUE(a->paused);
  a->stops = true;
  pool_.Leave(c);
  pool_.Turn();
  EXPECT_TRUE(a->seated && !a->paused);
  EXPECT_EQ(a->sat, 2);
}

TEST_F(StatePoolTest, AnswersAndTextGetSeatsByTurns) {
  std::vector<Member*> texts, answers;
  for (int i = 0; i < 4; ++i) texts.push_back(AddWaiting(SeatFor::kText));
  for (int i = 0; i < 4; ++i) answers.push_back(AddWaiting(SeatFor::kAnswer));
  pool_.Turn();
  EXPECT_TRUE(answers[0]->seated && texts[0]->seated);
  answers[0]->work = texts[0]->work = 0;
  pool_.Turn();
  EXPECT_TRUE(answers[1]->seated && texts[1]->seated);
}

TEST_F(StatePoolTest, WhoIsAskedForAnAnswerMovesUp) {
  for (int i = 0; i < 10; ++i) AddWaiting(SeatFor::kText);
  Member* const last = AddWaiting(SeatFor::kText);
  pool_.Want(last, SeatFor::kAnswer);
  pool_.Want(last, SeatFor::kText);  // It stays where it is.
  EXPECT_EQ(pool_.waiting(), 11u);
  pool_.Turn();
  EXPECT_TRUE(last->seated);
}

TEST_F(StatePoolTest, WhoGetsNoSlotsStaysFirst) {
  Member* const a = AddWaiting(SeatFor::kText);
  Member* const b = AddWaiting(SeatFor::kText);
  a->slots_missing = true;
  pool_.Turn();
  EXPECT_FALSE(a->seated || b->seated);
  a->slots_missing = false;
  pool_.Turn();
  EXPECT_TRUE(a->seated && b->seated);
}

TEST_F(StatePoolTest, WhoGetsNoSlotsIsGivenOthers) {
  Member* const a = AddWaiting(SeatFor::kText);
  pool_.Turn();
  Member* const b = AddWaiting(SeatFor::kText);
  b->slots_missing = true;
  a->is_held = true;
  a->turn_over = true;
  pool_.Turn();
  EXPECT_FALSE(a->seated) << "there is a seat left, but no slot";
  b->slots_missing = false;
  pool_.Turn();
  EXPECT_TRUE(a->seated && b->seated);
}

TEST_F(StatePoolTest, RoomIsMadeByWhoIsAtRestAndNotHeld) {
  Member* const a = AddWaiting(SeatFor::kText);
  Member* const b = AddWaiting(SeatFor::kText);
  pool_.Turn();
  EXPECT_FALSE(pool_.MakeRoom()) << "both have work";
  a->work = b->work = 0;
  a->is_held = true;
  b->used = 1;
  EXPECT_TRUE(pool_.MakeRoom());
  EXPECT_TRUE(a->seated && !b->seated);
  EXPECT_FALSE(pool_.MakeRoom());
}

TEST_F(StatePoolTest, WhoLeavesIsForgotten) {
  Member* const a = AddWaiting(SeatFor::kText);
  AddWaiting(SeatFor::kAnswer);
  pool_.Turn();
  Member* const c = AddWaiting(SeatFor::kText);
  pool_.Leave(a);
  EXPECT_EQ(pool_.seated(), 1u);
  pool_.Turn();
  EXPECT_TRUE(c->seated);
}

// Members with much work and few seats: a turn is a unit of work, and nobody
// ever is more than two ahead of another.
TEST_F(StatePoolTest, AllMoveOnByTurns) {
  std::vector<Member*> all;
  for (int i = 0; i < 7; ++i) all.push_back(AddWaiting(SeatFor::kText));
  for (Member* member : all) member->work = 100;
  std::map<Member*, int> done;
  for (int step = 0; step < 1000; ++step) {
    pool_.Turn();
    for (Member* member : all) {
      if (!member->seated || member->paused || member->work == 0) {
        member->turn_over = false;
        continue;
      }
      --member->work;
      ++done[member];
      member->turn_over = true;
    }
    int least = 100, most = 0;
    for (Member* member : all) {
      least = std::min(least, done[member]);
      most = std::max(most, done[member]);
    }
    ASSERT_LE(most - least, 3) << "step " << step;
  }
  for (Member* member : all) EXPECT_EQ(member->work, 0);
}

}  // namespace
}  // namespace oxbow
