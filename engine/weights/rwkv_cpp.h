// Reads the .bin files of rwkv.cpp.
#ifndef OXBOW_ENGINE_WEIGHTS_RWKV_CPP_H_
#define OXBOW_ENGINE_WEIGHTS_RWKV_CPP_H_

#include <memory>

#include "absl/status/statusor.h"
#include "engine/weights/input_file.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {

// True if the file starts with the number 0x67676d66 ("ggmf").
bool LooksLikeRwkvCpp(const InputFile& file);

// Versions 100 and 101 of the format (docs/FILE_FORMAT.md of rwkv.cpp): six
// numbers, then tensors under BlinkDL's names, each with its own small header,
// to the end of the file. Shapes are given row-major. Numbers stay in the file
// until Read() asks for them.
//
// rwkv.cpp's converter computes some tensors ahead; Read() gives the numbers
// of BlinkDL's file again (DecayOf() and the like in rwkv_cpp.cc):
//   RWKV-4      time_decay  = -exp(d)
//   RWKV-5      time_decay  = exp(-exp(d)), time_first = exp(f)
// RWKV-6's and 7's low-rank matrices are transposed and RWKV-7's mixes are
// stacked: that is left to the names (TensorCatalog).
//
// Version 101 has ggml's blocks as they are today. Version 100, of before May
// 2023, has others: neighbours in one byte, and fp32 scales in Q4_0, Q4_1 and
// Q8_0. Read() gives today's: it moves the numbers and rounds those scales to
// fp16, as ggml itself did with its change (a relative 2^-11, where a step of
// the blocks is 1/8 or more).
//
// Unimplemented: any other version, Q4_1_O, Q4_2, Q4_3 and whatever is no
// DType. InvalidArgument in one sentence: whatever breaks the format, or a
// header that contradicts the tensors.
absl::StatusOr<std::unique_ptr<TensorSource>> OpenRwkvCpp(InputFile file);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_RWKV_CPP_H_
