#include "engine/inbox.h"

#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(InboxTest, GivesAllOfItInOrderAndOnce) {
  Inbox inbox;
  std::vector<int> done;
  for (int i = 0; i < 3; ++i) {
    inbox.Post([&done, i]() { done.push_back(i); });
  }
  for (const auto& work : inbox.Take(absl::ZeroDuration())) work();
  EXPECT_THAT(done, ElementsAre(0, 1, 2));
  EXPECT_THAT(inbox.Take(absl::ZeroDuration()), IsEmpty());
}

TEST(InboxTest, WaitsForWork) {
  Inbox inbox;
  std::thread poster([&inbox]() {
    absl::SleepFor(absl::Milliseconds(20));
    inbox.Post([]() {});
  });
  EXPECT_EQ(inbox.Take(absl::Seconds(60)).size(), 1u);
  poster.join();
}

TEST(InboxTest, TakesFromManyThreadsWhatEachPostedInItsOrder) {
  constexpr int kThreads = 4, kPosts = 2000;
  Inbox inbox;
  std::vector<std::vector<int>> seen(kThreads);
  std::vector<std::thread> posters;
  for (int thread = 0; thread < kThreads; ++thread) {
    posters.emplace_back([&inbox, &seen, thread]() {
      for (int i = 0; i < kPosts; ++i) {
        inbox.Post([&seen, thread, i]() { seen[thread].push_back(i); });
      }
    });
  }
  for (int taken = 0; taken < kThreads * kPosts;) {
    const auto batch = inbox.Take(absl::Seconds(60));
    ASSERT_FALSE(batch.empty()) << "nothing came for a minute";
    taken += static_cast<int>(batch.size());
    for (const auto& work : batch) work();
  }
  for (std::thread& poster : posters) poster.join();
  for (const std::vector<int>& numbers : seen) {
    ASSERT_EQ(numbers.size(), static_cast<size_t>(kPosts));
    for (int i = 0; i < kPosts; ++i) ASSERT_EQ(numbers[i], i);
  }
}

}  // namespace
}  // namespace oxbow
