#include "engine/model/load_progress.h"

#include <sstream>

#include "gtest/gtest.h"

namespace oxbow {
namespace {

class HandClock : public Clock {
 public:
  absl::Time Now() const override { return now; }
  absl::Time now = absl::UnixEpoch();
};

TEST(LoadProgressTest, IsSilentForTwoSecondsThenALineASecond) {
  HandClock clock;
  std::ostringstream out;
  LoadProgress progress("m.pth", false, &out, &clock);
  progress.Update(1 << 20, 4 << 20);
  clock.now += absl::Seconds(1.9);
  progress.Update(2 << 20, 4 << 20);
  EXPECT_EQ(out.str(), "");
  clock.now += absl::Seconds(0.2);
  progress.Update(3 << 20, 4 << 20);
  EXPECT_EQ(out.str(), "loading m.pth:  75% of 4.0 MiB\n");
  progress.Update(4 << 20, 4 << 20);
  EXPECT_EQ(out.str(), "loading m.pth:  75% of 4.0 MiB\n");
}

TEST(LoadProgressTest, RedrawsOneLineOnATerminal) {
  HandClock clock;
  std::ostringstream out;
  LoadProgress progress("m.pth", true, &out, &clock);
  progress.Finish();
  EXPECT_EQ(out.str(), "");
  clock.now += absl::Seconds(3);
  progress.Update(1 << 20, 2 << 20);
  progress.Finish();
  EXPECT_EQ(out.str(), "\rloading m.pth:  50% of 2.0 MiB\n");
}

}  // namespace
}  // namespace oxbow
