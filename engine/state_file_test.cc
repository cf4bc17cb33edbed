// The portable state file: golden bytes, and every way to damage them.
#include "engine/state_file.h"

#include <random>
#include <string>

#include "absl/base/internal/endian.h"
#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/testing/status_is.h"

namespace oxbow {
namespace {

using ::testing::HasSubstr;

StateFile SmallFile() {
  StateFile file;
  file.model_id = Sha256("model");
  file.layout_id = "RWKV-7/L1";
  file.numerics_id = "cpu-exact-1";
  file.token_offset = 3;
  file.position = {11, 1};
  file.id_chain = Sha256("ids");
  file.undecided = "ab";
  file.state = std::string("\0\0\x80\x3f", 4);
  return file;
}

// With the sum of what now precedes it.
std::string Resealed(std::string bytes) {
  bytes.resize(bytes.size() - sizeof(Digest));
  const Digest sum = Sha256(bytes);
  return bytes.append(AsBytes(sum).data(), sum.size());
}

// Files of this release must be read by every later one.
TEST(StateFileTest, GoldenBytes) {
  const std::string golden = absl::HexStringToBytes(
      "4f58424f57535400"  // magic
      "01000000"          // version
      "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4"
      "0300000000000000"  // token offset
      "0b00000000000000"  // byte offset
      "0100000000000000"  // tokens of no bytes there
      "23466067f626bf8a3ae1a39cdf81f31303220b331b5064c6e00662dcc34deaaf"
      "7f6cd3a947bccb815938fc2249d9868c1d30071d18db9e93213398c9aac1285d"
      "09000000"
      "52574b562d372f4c31"  // layout
      "0b000000"
      "6370752d65786163742d31"  // numerics
      "02000000"
      "6162"  // undecided
      "0400000000000000"
      "0000803f"  // state
      "0ce8fd6638d4a0248ee4744a156f4576a717f1a84b0b36c29353bcd130a76aa7");
  EXPECT_EQ(absl::BytesToHexString(EncodeStateFile(SmallFile())),
            absl::BytesToHexString(golden));
}

TEST(StateFileTest, ComesBackAsItWas) {
  const StateFile file = SmallFile();
  const auto back = DecodeStateFile(EncodeStateFile(file));
  ASSERT_OK(back);
  EXPECT_EQ(back->model_id, file.model_id);
  EXPECT_EQ(back->layout_id, file.layout_id);
  EXPECT_EQ(back->numerics_id, file.numerics_id);
  EXPECT_EQ(back->token_offset, 3u);
  EXPECT_EQ(back->position, (Position{11, 1}));
  EXPECT_EQ(back->id_chain, file.id_chain);
  EXPECT_EQ(back->undecided, "ab");
  EXPECT_EQ(back->state, file.state);
}

TEST(StateFileTest, EveryFlippedBitAndEveryShorterFileIsRefused) {
  const std::string bytes = EncodeStateFile(SmallFile());
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_THAT(DecodeStateFile(bytes.substr(0, i)),
                StatusIs(absl::StatusCode::kInvalidArgument));
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ 1 << bit);
      EXPECT_THAT(DecodeStateFile(flipped),
                  StatusIs(absl::StatusCode::kInvalidArgument))
          << "byte " << i << " bit " << bit;
    }
  }
}

// Whoever makes a file can make its sum, too: sizes are not believed.
TEST(StateFileTest, AnyChangeUnderAValidSumIsRefusedOrHarmless) {
  const std::string bytes = EncodeStateFile(SmallFile());
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string changed = bytes;
    for (uint32_t i = 0; i <= random() % 4; ++i) {
      changed[random() % changed.size()] = static_cast<char>(random());
    }
    const auto file = DecodeStateFile(Resealed(changed));
    if (!file.ok()) {
      EXPECT_THAT(file, StatusIs(absl::StatusCode::kInvalidArgument));
      continue;
    }
    // What is believed is at least what its digest says.
    EXPECT_EQ(EncodeStateFile(*file), Resealed(changed));
  }
}

TEST(StateFileTest, SaysWhatIsWrong) {
  std::string bytes = EncodeStateFile(SmallFile());
  EXPECT_THAT(DecodeStateFile("PK").status().message(),
              HasSubstr("does not begin with OXBOWST"));
  EXPECT_THAT(DecodeStateFile(bytes + "x").status().message(),
              HasSubstr("bytes follow its end"));
  absl::little_endian::Store32(&bytes[8], 2);
  EXPECT_THAT(DecodeStateFile(Resealed(bytes)).status().message(),
              HasSubstr("of version 2; this Oxbow reads 1"));
  StateFile file = SmallFile();
  file.undecided.resize(kUndecidedBytesMax + 1);
  EXPECT_THAT(DecodeStateFile(EncodeStateFile(file)).status().message(),
              HasSubstr("undecided text of 65537 bytes, at most 65536"));
  file = SmallFile();
  file.position.byte_offset = uint64_t{1} << 63;
  EXPECT_THAT(DecodeStateFile(EncodeStateFile(file)).status().message(),
              HasSubstr("offsets that cannot be"));
}

}  // namespace
}  // namespace oxbow
