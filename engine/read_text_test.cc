#include "engine/read_text.h"

#include <random>
#include <string>

#include "engine/testing/stored_streams.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/status_is.h"
#include "tests/testing/random_text.h"

namespace oxbow {
namespace {

class ReadTextTest : public testing::Test {
 protected:
  absl::StatusOr<std::string> Read(StreamUid uid, uint64_t from, uint64_t to,
                                   size_t bytes_max = 1 << 20) {
    return ReadTextSpan(streams_.store(), streams_.tokenizer(),
                        streams_.View(uid), from, to, bytes_max);
  }

  StoredStreams streams_{{"ab", "abcd"}};
};

TEST_F(ReadTextTest, IdsGiveTheBytesOfTheirPieces) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, "x");
  streams_.AppendIds(uid, {0, streams_.tokenizer().IdOf("abcd"), 0});
  streams_.AppendText(uid, "y");
  EXPECT_EQ(*Read(uid, 0, 6), "xabcdy");
  EXPECT_EQ(*Read(uid, 2, 4), "bc") << "a span may begin and end in an id";
  EXPECT_EQ(*Read(uid, 3, 3), "");
}

TEST_F(ReadTextTest, GivesNoMoreThanAskedAndAtLeastAByte) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, std::string(100, 'x'));
  EXPECT_EQ(Read(uid, 0, 100, 7)->size(), 7u);
  EXPECT_EQ(Read(uid, 99, 100, 1)->size(), 1u);
}

TEST_F(ReadTextTest, ALogThatIsShorterThanItSaidIsDataLoss) {
  const StreamUid uid = streams_.Create();
  streams_.AppendText(uid, "xyz");
  EXPECT_THAT(Read(uid, 1, 5), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(ReadTextTest, AnySpanOfAnyForkIsTheText) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 30; ++round) {
    StreamUid uid = streams_.Create();
    std::string text;
    for (int step = 0; step < 20; ++step) {
      switch (random() % 3) {
        case 0:
          streams_.AppendIds(uid,
                             {0, streams_.tokenizer().IdOf("ab"), 0, 1 + 'q'});
          text += "abq";
          break;
        case 1: {
          const std::string more = RandomText(1 + random() % 20, &random);
          streams_.AppendText(uid, more);
          text += more;
          break;
        }
        default:
          uid = streams_.Fork(uid, streams_.End(uid), random() % 2 == 0);
      }
    }
    for (int i = 0; i < 30; ++i) {
      const uint64_t from = random() % (text.size() + 1);
      const uint64_t to = from + random() % (text.size() - from + 1);
      ASSERT_EQ(*Read(uid, from, to), text.substr(from, to - from));
    }
  }
}

}  // namespace
}  // namespace oxbow
