#include "store/log_page.h"

#include "gtest/gtest.h"
#include "store/testing/log_author.h"
#include "store/testing/status_is.h"

namespace oxbow {
namespace {

using absl::StatusCode;

TEST(LogPageTest, IsFullWhenItsBytesArePassed) {
  LogAuthor author;
  LogPage page(10);
  EXPECT_OK(page.Add(author.Text("12345")));
  EXPECT_FALSE(page.full());
  EXPECT_OK(page.Add(author.Tokens({1}, 0, 1)));  // 4 bytes as ids
  EXPECT_FALSE(page.full());
  EXPECT_OK(page.Add(author.Text("")));  // counts as one
  EXPECT_TRUE(page.full());
  EXPECT_EQ(page.TakeRecords().size(), 3u);
}

TEST(LogPageTest, TakesAtLeastOne) {
  LogAuthor author;
  LogPage page(0);
  EXPECT_FALSE(page.full());
  EXPECT_OK(page.Add(author.Text("1")));
  EXPECT_TRUE(page.full());
}

TEST(LogPageTest, ARecordThatDoesNotFollowIsDataLoss) {
  LogAuthor author;
  const LogRecord first = author.Text("one");
  author.Text("lost");
  const LogRecord third = author.Text("three");
  LogPage page(1000);
  ASSERT_OK(page.Add(first));
  EXPECT_THAT(page.Add(third), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(page.Add(first), StatusIs(StatusCode::kDataLoss));
}

TEST(LogPageTest, ABrokenChainIsDataLoss) {
  LogAuthor author, other;
  const LogRecord first = author.Text("one");
  other.Text("eno");
  LogPage page(1000);
  ASSERT_OK(page.Add(first));
  EXPECT_THAT(page.Add(other.Text("two")), StatusIs(StatusCode::kDataLoss));
  LogRecord changed = first;
  changed.text = "ONE";
  LogPage beginning(1000);
  EXPECT_THAT(beginning.Add(changed), StatusIs(StatusCode::kDataLoss));
}

TEST(LogPageTest, AnyPartOfALogMayBeRead) {
  LogAuthor author;
  author.Text("not read");
  LogPage page(1000);
  EXPECT_OK(page.Add(author.Text("two")));
  EXPECT_OK(page.Add(author.Tokens({1, 2}, 5, 0)));
}

}  // namespace
}  // namespace oxbow
