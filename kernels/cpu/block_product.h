// The matrix product with weights in blocks: short integers all the way.
//
// The activations come as short rows (short_rows.h), the weights as the codes
// of their blocks, so that the sum of a group of inputs is exact, whatever the
// order, the register or the machine:
//   for each group, ascending:  S = sum of code * x, X = sum of x: integers
//     acc = fma(scale * unit, S, acc)
//     acc = fma(-min * unit, X, acc), in formats that have one
// That is the contract of ops.h for blocks. An activation is off by at most
// 2^-15 of the largest of its group: far less than what quantizing the weights
// cost (docs/decisions/0044).
#ifndef OXBOW_KERNELS_CPU_BLOCK_PRODUCT_H_
#define OXBOW_KERNELS_CPU_BLOCK_PRODUCT_H_

#include "kernels/cpu/short_rows.h"
#include "kernels/ops.h"

namespace oxbow {

// The outputs of one panel, for rows row_begin .. row_end-1 of the product;
// `x` are its product.x.
void MultiplyBlockPanel(const Product& product, const ShortRows& x, int panel,
                        int row_begin, int row_end);

// Whether AVX-512's integer dot products may be used where there are any: it is
// so by default, and no bit depends on it.
void AllowVnniForTest(bool allowed);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_BLOCK_PRODUCT_H_
