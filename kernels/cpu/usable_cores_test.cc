#include "kernels/cpu/usable_cores.h"

#include <sched.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace oxbow {
namespace {

class UsableCoresTest : public testing::Test {
 protected:
  void SetUp() override {
    cpu_set_t cores;
    ASSERT_EQ(sched_getaffinity(0, sizeof(cores), &cores), 0);
    cores_ = CPU_COUNT(&cores);
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(
        std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  int Usable() const { return UsableCores(root_, root_ + "/own"); }

  const std::string root_ =
      std::string(std::getenv("TEST_TMPDIR")) + "/usable_cores";
  int cores_ = 0;
};

TEST_F(UsableCoresTest, WithoutGroupsTheAffinityCounts) {
  EXPECT_EQ(Usable(), cores_);
  Write("/own", "");
  EXPECT_EQ(Usable(), cores_);
  Write("/own", "nonsense\n0::no-slash\n::\n");
  EXPECT_EQ(Usable(), cores_);
}

TEST_F(UsableCoresTest, AQuotaIsRoundedUp) {
  Write("/own", "0::/box\n");
  Write("/box/cpu.max", "20000 100000\n");
  EXPECT_EQ(Usable(), 1);
  Write("/box/cpu.max", "110000 100000\n");
  EXPECT_EQ(Usable(), std::min(cores_, 2));
  Write("/box/cpu.max", "max 100000\n");
  EXPECT_EQ(Usable(), cores_);
  Write("/box/cpu.max", "9900000 100000\n");
  EXPECT_EQ(Usable(), cores_) << "no more than there are";
}

TEST_F(UsableCoresTest, AGroupAroundItBoundsItToo) {
  Write("/own", "0::/pod/box\n");
  Write("/pod/cpu.max", "100000 100000\n");
  Write("/pod/box/cpu.max", "max 100000\n");
  EXPECT_EQ(Usable(), 1);
}

TEST_F(UsableCoresTest, TheOlderFilesCountAsWell) {
  Write("/own", "9:memory:/box\n4:cpu,cpuacct:/box\n0::/\n");
  Write("/cpu,cpuacct/box/cpu.cfs_quota_us", "50000\n");
  Write("/cpu,cpuacct/box/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Usable(), 1);
  Write("/cpu,cpuacct/box/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(Usable(), cores_);
}

TEST_F(UsableCoresTest, HereItIsSomething) {
  EXPECT_GE(UsableCores(), 1);
  EXPECT_LE(UsableCores(), cores_);
}

}  // namespace
}  // namespace oxbow
