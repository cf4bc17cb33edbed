#include "engine/weights/quantize_matrix.h"

#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/blocks.h"
#include "kernels/cpu/quantize_blocks.h"
#include "kernels/testing/random_floats.h"

namespace oxbow {
namespace {

constexpr int kColumns = 96;

std::string Quantized(const std::string& from_bytes, int rows, DType from,
                      DType to, int threads) {
  ByteBuffer bytes;
  EXPECT_TRUE(bytes.Resize(from_bytes.size()));
  std::memcpy(bytes.data(), from_bytes.data(), from_bytes.size());
  QuantizeMatrix(&bytes, rows, kColumns, from, to, threads);
  return std::string(bytes.data(), bytes.size());
}

TEST(QuantizeMatrixTest, AnyThreadsGiveTheBlocksOfEachRow) {
  for (int rows : {1, 2, 7, 50}) {
    const std::vector<float> numbers = RandomFloats(rows * kColumns, rows);
    const std::string plain(reinterpret_cast<const char*>(numbers.data()),
                            numbers.size() * sizeof(float));
    for (DType to : {DType::kQ8_0, DType::kQ4_0}) {
      std::string want(BytesOf(to, numbers.size()), 0);
      QuantizeBlocks(&want[0], numbers.data(), to, numbers.size());
      for (int threads : {0, 1, 2, 3, 16}) {
        EXPECT_EQ(Quantized(plain, rows, DType::kF32, to, threads), want)
            << rows << " rows, " << threads << " threads";
      }
    }
  }
}

TEST(QuantizeMatrixTest, BlocksBecomeSmallerBlocks) {
  const std::vector<float> numbers = RandomFloats(5 * kColumns, 1);
  std::string eight(BytesOf(DType::kQ8_0, numbers.size()), 0);
  QuantizeBlocks(&eight[0], numbers.data(), DType::kQ8_0, numbers.size());
  std::vector<float> read(numbers.size());
  Dequantize(read.data(), eight.data(), DType::kQ8_0, read.size());
  std::string want(BytesOf(DType::kQ4_0, numbers.size()), 0);
  QuantizeBlocks(&want[0], read.data(), DType::kQ4_0, read.size());
  EXPECT_EQ(Quantized(eight, 5, DType::kQ8_0, DType::kQ4_0, 2), want);
}

}  // namespace
}  // namespace oxbow
