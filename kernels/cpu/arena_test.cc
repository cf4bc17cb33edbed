#include "kernels/cpu/arena.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace oxbow {
namespace {

TEST(ArenaTest, PiecesAreZeroAlignedAndApart) {
  Arena arena;
  std::mt19937 random(1);
  std::vector<std::pair<char*, size_t>> pieces;
  // Small ones, and some larger than a block.
  for (int i = 0; i < 200; ++i) {
    const size_t bytes =
        i % 50 == 0 ? (size_t{40} << 20) : 1 + random() % 100000;
    auto piece = arena.Allocate(bytes);
    ASSERT_TRUE(piece.ok());
    char* data = static_cast<char*>(*piece);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 64, 0u);
    EXPECT_EQ(data[0], 0);
    EXPECT_EQ(data[bytes - 1], 0);
    std::memset(data, i, std::min<size_t>(bytes, 4096));
    data[bytes - 1] = static_cast<char>(i);
    pieces.emplace_back(data, bytes);
  }
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(pieces[i].first[0], static_cast<char>(i));
    EXPECT_EQ(pieces[i].first[pieces[i].second - 1], static_cast<char>(i));
  }
}

TEST(ArenaTest, RefusesMoreThanTheMachineHas) {
  Arena arena;
  for (size_t bytes : {size_t{1} << 60, ~size_t{0}}) {
    EXPECT_EQ(arena.Allocate(bytes).status().code(),
              absl::StatusCode::kResourceExhausted);
  }
  EXPECT_TRUE(arena.Allocate(10).ok()) << "a refusal changes nothing";
}

}  // namespace
}  // namespace oxbow
