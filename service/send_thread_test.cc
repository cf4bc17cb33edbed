#include "service/send_thread.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace oxbow {
namespace {

TEST(SendThreadTest, RunsAllInOrderOnAThreadOfItsOwn) {
  std::vector<int> ran;
  std::thread::id thread;
  {
    SendThread sender;
    for (int i = 0; i < 1000; ++i) {
      sender.Post([&, i] {
        ran.push_back(i);
        thread = std::this_thread::get_id();
      });
    }
  }
  ASSERT_EQ(ran.size(), 1000u) << "the destructor waits for them";
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(ran[i], i);
  EXPECT_NE(thread, std::this_thread::get_id());
}

}  // namespace
}  // namespace oxbow
