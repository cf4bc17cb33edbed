#include "store/uid_cache.h"

#include "gtest/gtest.h"

namespace oxbow {
namespace {

UidState BeginningAt(uint64_t byte_offset) {
  UidState state;
  state.own_begin = {byte_offset, 0};
  return state;
}

TEST(UidCacheTest, DropsTheOneNotAskedForLongest) {
  UidCache cache(2);
  cache.Put(1, BeginningAt(10));
  cache.Put(2, BeginningAt(20));
  ASSERT_NE(cache.Find(1), nullptr);
  cache.Put(3, BeginningAt(30));
  EXPECT_EQ(cache.Find(2), nullptr);
  EXPECT_EQ(cache.Find(1)->own_begin.byte_offset, 10u);
  EXPECT_EQ(cache.Find(3)->own_begin.byte_offset, 30u);
}

TEST(UidCacheTest, ReplacesAndForgets) {
  UidCache cache(2);
  cache.Put(1, BeginningAt(10));
  cache.Put(1, BeginningAt(11));
  cache.Put(2, BeginningAt(20));
  EXPECT_EQ(cache.Find(1)->own_begin.byte_offset, 11u);
  cache.Forget(1);
  cache.Forget(1);
  EXPECT_EQ(cache.Find(1), nullptr);
  EXPECT_NE(cache.Find(2), nullptr);
}

}  // namespace
}  // namespace oxbow
