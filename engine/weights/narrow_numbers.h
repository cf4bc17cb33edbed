// fp32 numbers on their way into a plain dtype.
#ifndef OXBOW_ENGINE_WEIGHTS_NARROW_NUMBERS_H_
#define OXBOW_ENGINE_WEIGHTS_NARROW_NUMBERS_H_

#include <cstdint>

#include "kernels/tensor.h"

namespace oxbow {

// `count` numbers to `to`, each rounded to the nearest one of `dtype` (fp32,
// fp16 or bf16), to even between two. False if one of them is none there: it
// is not finite, or would not be; `to` then holds anything.
bool NarrowNumbers(char* to, const float* from, DType dtype, int64_t count);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_NARROW_NUMBERS_H_
