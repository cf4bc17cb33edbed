// Changes to a tensor's bytes that change no number but by a power of two.
#ifndef OXBOW_ENGINE_WEIGHTS_REARRANGE_H_
#define OXBOW_ENGINE_WEIGHTS_REARRANGE_H_

#include <cstdint>

#include "absl/types/span.h"
#include "kernels/tensor.h"

namespace oxbow {

// Exchanges the last two dimensions of `from`, which has this shape of at
// least two dimensions and numbers without blocks, into `to` of the same size.
void TransposeNumbers(absl::Span<const int64_t> shape, DType dtype,
                      absl::Span<const char> from, absl::Span<char> to);

// Multiplies each number by 2^log2, log2 >= 0, in place. Exact, but that what
// gets too large becomes infinite. Of numbers in blocks, the scales.
void ScaleNumbers(DType dtype, int log2, absl::Span<char> bytes);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_REARRANGE_H_
