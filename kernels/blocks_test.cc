// Every block format against a second reading of its published layout, which
// walks the bytes in the layout's own order.
#include "kernels/blocks.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/testing/random_blocks.h"

namespace oxbow {
namespace {

// An independent fp16.
float Half(const uint8_t* at) {
  const int bits = at[0] + 256 * at[1];
  const int exponent = bits / 1024 % 32;
  const double size = exponent == 0
                          ? std::ldexp(bits % 1024, -24)
                          : std::ldexp(1024 + bits % 1024, exponent - 25);
  return static_cast<float>(bits >= 32768 ? -size : size);
}

// Codes of 4 or 5 bits in blocks of 32, from byte `at` on.
void AddPairs(const uint8_t* b, int at, int fifth_at, float d, int offset,
              float m, std::vector<float>* to) {
  uint32_t fifth = 0;
  if (fifth_at > 0) std::memcpy(&fifth, b + fifth_at, 4);
  float y[32];
  for (int j = 0; j < 16; ++j) {
    const int high0 = static_cast<int>(fifth >> j << 4 & 0x10);
    const int high1 = static_cast<int>(fifth >> (j + 12) & 0x10);
    y[j] = d * ((b[at + j] % 16 | high0) - offset) + m;
    y[j + 16] = d * ((b[at + j] / 16 | high1) - offset) + m;
  }
  to->insert(to->end(), y, y + 32);
}

void AddK45(const uint8_t* b, bool five, std::vector<float>* to) {
  const float d = Half(b), dmin = Half(b + 2);
  const uint8_t* scales = b + 4;
  const uint8_t* high = b + 16;
  const uint8_t* low = five ? b + 48 : b + 16;
  for (int group = 0; group < 8; ++group) {
    int scale, min;
    if (group < 4) {
      scale = scales[group] % 64;
      min = scales[group + 4] % 64;
    } else {
      scale = scales[group + 4] % 16 + scales[group - 4] / 64 * 16;
      min = scales[group + 4] / 16 + scales[group] / 64 * 16;
    }
    const float s = d * scale, m = dmin * min;
    for (int l = 0; l < 32; ++l) {
      int q = group % 2 == 0 ? low[l] % 16 : low[l] / 16;
      if (five && (high[l] >> group) % 2 == 1) q += 16;
      to->push_back(s * q - m);
    }
    if (group % 2 == 1) low += 32;
  }
}

void AddQ6K(const uint8_t* b, std::vector<float>* to) {
  const uint8_t *low = b, *high = b + 128;
  const auto* scales = reinterpret_cast<const int8_t*>(b + 192);
  const float d = Half(b + 208);
  for (int n = 0; n < 2; ++n) {
    float y[128];
    for (int l = 0; l < 32; ++l) {
      const int s = l / 16;
      const int q1 = low[l] % 16 + high[l] % 4 * 16 - 32;
      const int q2 = low[l + 32] % 16 + high[l] / 4 % 4 * 16 - 32;
      const int q3 = low[l] / 16 + high[l] / 16 % 4 * 16 - 32;
      const int q4 = low[l + 32] / 16 + high[l] / 64 * 16 - 32;
      y[l] = d * scales[s] * q1;
      y[l + 32] = d * scales[s + 2] * q2;
      y[l + 64] = d * scales[s + 4] * q3;
      y[l + 96] = d * scales[s + 6] * q4;
    }
    to->insert(to->end(), y, y + 128);
    low += 64;
    high += 32;
    scales += 8;
  }
}

std::vector<float> Reference(DType dtype, const std::vector<uint8_t>& bytes) {
  std::vector<float> to;
  const int step = BytesPerBlock(dtype);
  for (const uint8_t* b = bytes.data(); b < bytes.data() + bytes.size();
       b += step) {
    const float d = Half(b), m = Half(b + 2);
    switch (dtype) {
      case DType::kQ8_0:
        for (int j = 0; j < 32; ++j) {
          to.push_back(d * static_cast<int8_t>(b[2 + j]));
        }
        break;
      case DType::kQ4_0:
        AddPairs(b, 2, 0, d, 8, -0.0f, &to);
        break;
      case DType::kQ4_1:
        AddPairs(b, 4, 0, d, 0, m, &to);
        break;
      case DType::kQ5_0:
        AddPairs(b, 6, 2, d, 16, -0.0f, &to);
        break;
      case DType::kQ5_1:
        AddPairs(b, 8, 4, d, 0, m, &to);
        break;
      case DType::kQ4_K:
      case DType::kQ5_K:
        AddK45(b, dtype == DType::kQ5_K, &to);
        break;
      default:
        AddQ6K(b, &to);
    }
  }
  return to;
}

// Random blocks, whose scales are any numbers, tiny and huge.
std::vector<uint8_t> RandomBlocks(DType dtype, int blocks) {
  std::minstd_rand random(blocks);
  std::vector<uint8_t> bytes(blocks * BytesPerBlock(dtype));
  for (uint8_t& byte : bytes) byte = random() >> 8 & 255;
  for (int b = 0; b < blocks; ++b) {
    for (int at : ScalesOf(dtype)) {
      uint8_t* high = &bytes[b * BytesPerBlock(dtype) + at + 1];
      if ((*high & 0x7c) == 0x7c) *high ^= 0x40;
    }
  }
  return bytes;
}

std::vector<float> Dequantized(DType dtype, const std::vector<uint8_t>& from) {
  std::vector<float> to(from.size() / BytesPerBlock(dtype) *
                        NumbersPerBlock(dtype));
  Dequantize(to.data(), from.data(), dtype, to.size());
  return to;
}

class BlocksTest : public testing::TestWithParam<DType> {};

TEST_P(BlocksTest, AreReadAsTheirLayoutSays) {
  const std::vector<uint8_t> bytes = RandomBlocks(GetParam(), 500);
  const std::vector<float> got = Dequantized(GetParam(), bytes);
  const std::vector<float> want = Reference(GetParam(), bytes);
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(0, std::memcmp(&got[i], &want[i], 4))
        << i << ": " << got[i] << " not " << want[i];
  }
}

TEST_P(BlocksTest, AFusedMultiplyAddOfThePartsGivesTheSameBits) {
  const DType dtype = GetParam();
  const std::vector<uint8_t> bytes = RandomBlocks(dtype, 100);
  const std::vector<float> want = Dequantized(dtype, bytes);
  for (size_t i = 0; i < want.size(); ++i) {
    BlockParts parts;
    const int numbers = NumbersPerBlock(dtype);
    ReadBlock(&bytes[i / numbers * BytesPerBlock(dtype)], dtype, &parts);
    const int g = i % numbers / NumbersPerGroup(dtype);
    const float scale = WidenHalf(parts.d) * parts.scale[g];
    const float min = WidenHalf(parts.dmin) * parts.min[g];
    const float got = std::fma(scale, parts.q[i % numbers], -min);
    ASSERT_EQ(0, std::memcmp(&got, &want[i], 4)) << i;
  }
}

TEST_P(BlocksTest, AScaleThatIsNoNumberIsFound) {
  const DType dtype = GetParam();
  const int64_t count = 7 * NumbersPerBlock(dtype);
  for (int at : ScalesOf(dtype)) {
    for (int high : {0x7c, 0xfc, 0x7e, 0xff}) {
      std::vector<uint8_t> bytes = RandomBlocks(dtype, 7);
      EXPECT_TRUE(AllFinite(bytes.data(), dtype, count));
      bytes[6 * BytesPerBlock(dtype) + at + 1] = high;
      EXPECT_FALSE(AllFinite(bytes.data(), dtype, count)) << at << " " << high;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, BlocksTest, testing::ValuesIn(kBlockDTypes),
                         [](const auto& info) { return NameOf(info.param); });

TEST(PlainNumbersTest, AreWidened) {
  std::vector<uint16_t> halves(65536);
  for (int i = 0; i < 65536; ++i) halves[i] = i;
  std::vector<float> numbers(65536);
  Dequantize(numbers.data(), halves.data(), DType::kF16, 65536);
  for (int i = 0; i < 65536; ++i) {
    if ((i & 0x7c00) == 0x7c00) {
      EXPECT_FALSE(std::isfinite(numbers[i])) << i;
      continue;
    }
    const float want = Half(reinterpret_cast<const uint8_t*>(&halves[i]));
    ASSERT_EQ(0, std::memcmp(&numbers[i], &want, 4)) << i;
  }
  Dequantize(numbers.data(), halves.data(), DType::kBF16, 65536);
  EXPECT_EQ(numbers[0x3f80], 1.0f);
  EXPECT_EQ(numbers[0xc049], -3.140625f);
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(AllFinite(&infinity, DType::kF32, 1));
  EXPECT_TRUE(AllFinite(numbers.data(), DType::kF32, 0x7f00));
}

}  // namespace
}  // namespace oxbow
