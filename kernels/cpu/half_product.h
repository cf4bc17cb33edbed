// The matrix product of bf16 weights and bf16 activations: Numerics::kFast.
//
// AVX-512's dot product of two pairs: each output has one accumulator, which
// takes the inputs two by two, ascending. So a row's bits do not depend on the
// other rows; they do depend on the instruction, which rounds once a pair and
// takes denormal numbers for zero.
#ifndef OXBOW_KERNELS_CPU_HALF_PRODUCT_H_
#define OXBOW_KERNELS_CPU_HALF_PRODUCT_H_

#include "kernels/cpu/half_rows.h"
#include "kernels/ops.h"

namespace oxbow {

// True on a CPU with AVX-512 BF16; the product is for no other.
bool HasHalfProduct();

// The outputs of one panel of bf16 weights (product.h), for rows row_begin ..
// row_end-1 of the product; `x` are its product.x.
void MultiplyHalfPanel(const Product& product, const HalfRows& x, int panel,
                       int row_begin, int row_end);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_HALF_PRODUCT_H_
