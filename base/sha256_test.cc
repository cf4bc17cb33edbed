#include "base/sha256.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

// FIPS 180-4's example.
constexpr char kAbc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256Test, KnownSum) { EXPECT_EQ(ToHex(Sha256("abc")), kAbc); }

TEST(Sha256Test, PiecesSumAsTheWhole) {
  Sha256Hasher hasher;
  hasher.Add("a");
  hasher.Add("bc");
  EXPECT_EQ(ToHex(hasher.Finish()), kAbc);
}

TEST(Sha256Test, SizedPiecesDoNotCollide) {
  Sha256Hasher one, other;
  one.AddSized("a");
  one.AddSized("bc");
  other.AddSized("ab");
  other.AddSized("c");
  EXPECT_NE(one.Finish(), other.Finish());
}

}  // namespace
}  // namespace oxbow
