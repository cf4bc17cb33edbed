#include "store/retention.h"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

CheckpointHeader At(uint64_t token_offset, bool savepoint = false) {
  CheckpointHeader header;
  header.token_offset = token_offset;
  if (savepoint) header.savepoints.emplace_back();
  return header;
}

std::vector<uint64_t> OffsetsOf(const std::vector<CheckpointHeader>& headers) {
  std::vector<uint64_t> offsets;
  for (const CheckpointHeader& header : headers) {
    offsets.push_back(header.token_offset);
  }
  return offsets;
}

void Apply(std::vector<CheckpointHeader>* headers,
           const RetentionOptions& options) {
  std::set<uint64_t> dropped;
  for (const CheckpointHeader& header : CheckpointsToDrop(*headers, options)) {
    dropped.insert(header.token_offset);
  }
  headers->erase(std::remove_if(headers->begin(), headers->end(),
                                [&](const CheckpointHeader& header) {
                                  return dropped.count(header.token_offset) > 0;
                                }),
                 headers->end());
}

// Tokens to replay to reach `token`.
uint64_t Replay(const std::vector<uint64_t>& offsets, uint64_t token) {
  const auto after = std::upper_bound(offsets.begin(), offsets.end(), token);
  return after == offsets.begin() ? token : token - *(after - 1);
}

TEST(RetentionTest, NothingIsDroppedUpToTheLimit) {
  EXPECT_THAT(CheckpointsToDrop({}, {}), IsEmpty());
  std::vector<CheckpointHeader> headers;
  for (uint64_t i = 1; i <= 128; ++i) headers.push_back(At(i));
  EXPECT_THAT(CheckpointsToDrop(headers, {}), IsEmpty());
}

TEST(RetentionTest, EverySecondOneGoesWhenTheGridIsFull) {
  std::vector<CheckpointHeader> headers;
  for (uint64_t i = 0; i < 9; ++i) headers.push_back(At(1024 * i));
  // 7 and 8 are the newest; of the others each cell of 2,048 keeps one.
  EXPECT_THAT(OffsetsOf(CheckpointsToDrop(headers, {2, 8})),
              ElementsAre(1024, 3 * 1024, 5 * 1024));
}

TEST(RetentionTest, SavepointsStayAndDoNotCount) {
  std::vector<CheckpointHeader> headers;
  for (uint64_t i = 0; i < 100; ++i) headers.push_back(At(i, true));
  for (uint64_t i = 100; i < 108; ++i) headers.push_back(At(i));
  EXPECT_THAT(CheckpointsToDrop(headers, {2, 8}), IsEmpty());
  headers.push_back(At(108));
  const auto dropped = CheckpointsToDrop(headers, {2, 8});
  EXPECT_FALSE(dropped.empty());
  for (const CheckpointHeader& header : dropped) {
    EXPECT_TRUE(header.savepoints.empty());
  }
}

// A stream grows to millions of tokens, with checkpoints at random distances
// and now and then a savepoint; retention runs after each.
TEST(RetentionTest, AnyPastPointStaysNearAKeptOne) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    RetentionOptions options;
    options.checkpoints_max = 4 + random() % 125;
    std::vector<CheckpointHeader> kept;
    std::vector<uint64_t> all;
    std::set<uint64_t> savepoints;
    uint64_t token = 0;
    const uint64_t step = 1 + random() % 5000;
    for (int i = 0; i < 3000; ++i) {
      token += 1 + random() % step;
      all.push_back(token);
      const bool savepoint = random() % 200 == 0;
      if (savepoint) savepoints.insert(token);
      kept.push_back(At(token, savepoint));
      Apply(&kept, options);

      const size_t unlabelled = static_cast<size_t>(std::count_if(
          kept.begin(), kept.end(),
          [](const auto& header) { return header.savepoints.empty(); }));
      ASSERT_LE(unlabelled, options.checkpoints_max);
      ASSERT_EQ(kept.back().token_offset, token);
      if (i > 0) {
        ASSERT_EQ(kept[kept.size() - 2].token_offset, all[i - 1]);
      }
      if (i % 50 != 0) continue;
      const std::vector<uint64_t> offsets = OffsetsOf(kept);
      const uint64_t cell = 4 * token / (options.checkpoints_max - 2) + 1;
      for (int probe = 0; probe < 50; ++probe) {
        const uint64_t point = random() % (token + 1);
        ASSERT_LT(Replay(offsets, point), Replay(all, point) + cell)
            << "seed " << seed << " max " << options.checkpoints_max;
      }
      for (uint64_t savepoint : savepoints) {
        ASSERT_EQ(Replay(offsets, savepoint), 0u);
      }
    }
  }
}

}  // namespace
}  // namespace oxbow
