#include "store/store_worker.h"

#include <memory>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

TEST(StoreWorkerTest, RunsInOrderAndDrainsWhenItGoes) {
  std::vector<int> ran;
  {
    StoreWorker worker;
    for (int i = 0; i < 100; ++i) {
      worker.Run([&ran, i] { ran.push_back(i); });
    }
  }
  ASSERT_EQ(ran.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ran[i], i);
}

TEST(StoreWorkerTest, PendingCountsWhatWaitsAndRuns) {
  absl::Notification started, go;
  auto worker = std::make_unique<StoreWorker>();
  EXPECT_EQ(worker->pending(), 0);
  worker->Run([&] {
    started.Notify();
    go.WaitForNotification();
  });
  started.WaitForNotification();
  EXPECT_EQ(worker->pending(), 1);
  int pending_inside = 0;
  worker->Run([&] { pending_inside = worker->pending(); });
  EXPECT_EQ(worker->pending(), 2);
  go.Notify();
  absl::Notification done;
  worker->Run([&] { done.Notify(); });
  done.WaitForNotification();
  worker.reset();
  EXPECT_GE(pending_inside, 1);
}

TEST(StoreWorkerTest, WorkMayQueueMoreWork) {
  bool ran = false;
  {
    StoreWorker worker;
    absl::Notification queued;
    worker.Run([&] {
      worker.Run([&] { ran = true; });
      queued.Notify();
    });
    queued.WaitForNotification();
  }
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace oxbow
