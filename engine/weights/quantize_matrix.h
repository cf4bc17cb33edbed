// A matrix at hand, quantized where it lies.
#ifndef OXBOW_ENGINE_WEIGHTS_QUANTIZE_MATRIX_H_
#define OXBOW_ENGINE_WEIGHTS_QUANTIZE_MATRIX_H_

#include <cstdint>

#include "engine/weights/byte_buffer.h"
#include "kernels/tensor.h"

namespace oxbow {

// `bytes` holds [rows, columns] of dtype `from`; afterwards, shrunk, of dtype
// `to`, which takes no more of them. kernels/cpu/quantize_blocks.h has the
// arithmetic. The result does not depend on `threads`, which share the rows;
// beside the matrix each holds one row in fp32.
void QuantizeMatrix(ByteBuffer* bytes, int64_t rows, int64_t columns,
                    DType from, DType to, int threads);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_QUANTIZE_MATRIX_H_
