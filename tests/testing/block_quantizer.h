// Puts numbers into GGML's blocks, to nearest and no better: files for tests.
#ifndef OXBOW_TESTS_TESTING_BLOCK_QUANTIZER_H_
#define OXBOW_TESTS_TESTING_BLOCK_QUANTIZER_H_

#include <string>
#include <vector>

#include "kernels/tensor.h"

namespace oxbow {

// The bytes of whole blocks of a block dtype, as the ggml project lays them
// out (block_q8_0 to block_q6_K of its ggml-common.h). The numbers fill them.
//
// Scales are the plainest that cover the numbers: ggml's own quantizers search
// for better ones, and write the same layout.
std::string QuantizeBlocks(const std::vector<float>& numbers, DType dtype);

// Encode() or QuantizeBlocks(), as the dtype asks.
std::string EncodeAs(const std::vector<float>& numbers, DType dtype);

// The four types of 32 nibbles and Q8_0 as ggml had them until May 2023, when
// rwkv.cpp's files had version 100: neighbours in one byte, the low half
// first; and the scales of Q4_0, Q4_1 and Q8_0 in fp32. See
// engine/weights/rwkv_cpp.h.
std::string QuantizeOldBlocks(const std::vector<float>& numbers, DType dtype);

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_BLOCK_QUANTIZER_H_
