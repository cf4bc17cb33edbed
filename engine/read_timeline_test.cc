#include "engine/read_timeline.h"

#include <vector>

#include "engine/testing/stored_streams.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/status_is.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Tokens are a byte each; the longest piece has four.
constexpr int kLongest = 4;

class ReadTimelineTest : public testing::Test {
 protected:
  ReadTimelineTest() {
    root_ = streams_.Create();
    streams_.AppendText(root_, std::string(100, 'x'));
    for (uint64_t begin = 0; begin < 100; begin += 10) Put(root_, begin);
  }

  void Put(StreamUid uid, uint64_t begin) {
    EmbeddingRecord record;
    record.token_begin = record.byte_begin = begin;
    record.token_end = record.byte_end = begin + 10;
    record.vector = {static_cast<float>(uid), static_cast<float>(begin)};
    StoreBatch batch;
    batch.put_embeddings.push_back({uid, record});
    ASSERT_OK(streams_.store().Write(batch, /*sync=*/false));
  }

  std::vector<uint64_t> Begins(StreamUid uid, uint64_t from, size_t limit) {
    const auto timeline = ReadTimeline(streams_.store(), streams_.View(uid),
                                       kLongest, from, limit);
    EXPECT_OK(timeline);
    std::vector<uint64_t> begins;
    for (const EmbeddingRecord& record : *timeline) {
      begins.push_back(record.token_begin);
    }
    return begins;
  }

  absl::optional<EmbeddingRecord> Last(StreamUid uid) {
    const auto last =
        LastOfTimeline(streams_.store(), streams_.View(uid), kLongest);
    EXPECT_OK(last);
    return *last;
  }

  StoredStreams streams_{{"aaaa"}};
  StreamUid root_ = 0;
};

TEST_F(ReadTimelineTest, SpansThatBeginAtOrBehindAToken) {
  EXPECT_THAT(Begins(root_, 0, 3), ElementsAre(0, 10, 20));
  EXPECT_THAT(Begins(root_, 20, 2), ElementsAre(20, 30));
  EXPECT_THAT(Begins(root_, 21, 2), ElementsAre(30, 40));
  EXPECT_THAT(Begins(root_, 91, 2), IsEmpty());
}

TEST_F(ReadTimelineTest, AForkSharesSpansThatNothingBehindItCouldChange) {
  // A token that begins three bytes before the fork may go on behind it.
  const StreamUid at_32 = streams_.Fork(root_, {32, 0}, false);
  EXPECT_THAT(Begins(at_32, 0, 100), ElementsAre(0, 10));
  const StreamUid at_33 = streams_.Fork(root_, {33, 0}, false);
  EXPECT_THAT(Begins(at_33, 0, 100), ElementsAre(0, 10, 20));
}

TEST_F(ReadTimelineTest, ItsOwnSpansFollow) {
  const StreamUid child = streams_.Fork(root_, {33, 0}, false);
  streams_.AppendText(child, std::string(30, 'y'));
  Put(child, 30);
  Put(child, 40);
  const StreamUid grandchild = streams_.Fork(child, {53, 0}, false);
  Put(grandchild, 50);
  EXPECT_THAT(Begins(grandchild, 0, 100), ElementsAre(0, 10, 20, 30, 40, 50));
  EXPECT_THAT(Begins(grandchild, 15, 3), ElementsAre(20, 30, 40));
  EXPECT_EQ(Last(grandchild)->vector,
            (std::vector<float>{static_cast<float>(grandchild), 50}));
}

TEST_F(ReadTimelineTest, TheLastMayBeAnAncestors) {
  EXPECT_EQ(Last(root_)->token_begin, 90u);
  EXPECT_EQ(Last(streams_.Fork(root_, {47, 0}, true))->token_begin, 30u);
  EXPECT_FALSE(Last(streams_.Fork(root_, {12, 0}, false)).has_value());
  EXPECT_FALSE(Last(streams_.Create()).has_value());
}

TEST_F(ReadTimelineTest, MoreThanAPageOfSharedSpans) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, std::string(13000, 'x'));
  for (uint64_t begin = 0; begin < 13000; begin += 10) Put(uid, begin);
  const StreamUid child = streams_.Fork(uid, {12345, 0}, false);
  EXPECT_EQ(Begins(child, 0, 5000).size(), 1234u);
  EXPECT_EQ(Last(child)->token_begin, 12330u);
}

}  // namespace
}  // namespace oxbow
