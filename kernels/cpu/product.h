// The matrix product on the CPU: weights in panels of 64 outputs.
//
// The lanes of a register run over outputs and each output has one
// accumulator that takes the inputs in ascending order. So the bits depend
// neither on the register's width nor on which rows are computed together:
// that is the contract of ops.h, and it costs no speed (docs/decisions/0010).
#ifndef OXBOW_KERNELS_CPU_PRODUCT_H_
#define OXBOW_KERNELS_CPU_PRODUCT_H_

#include <cstddef>

#include "kernels/cpu/block_panel.h"
#include "kernels/ops.h"
#include "kernels/tensor.h"

namespace oxbow {

// Panels of a matrix; the last may be partly filled, with zero weights.
int PanelsOf(int outputs);

// Bytes of one panel: for each input 64 weights side by side. bf16 holds two
// inputs in each dword, the even one in its low half: widening is a shift or a
// mask, and the layout also suits vdpbf16ps. Blocks: see block_panel.h.
size_t PanelBytes(DType dtype, int inputs);

// Fills panel number `panel` of the packed matrix at `packed`. A matrix in
// blocks cannot be transposed.
void PackPanel(const HostMatrix& from, bool transposed, int panel,
               void* packed);

// The outputs of one panel, for rows row_begin .. row_end-1 of the product,
// whose weights are plain numbers; block_product.h has those in blocks.
void MultiplyPanel(const Product& product, int panel, int row_begin,
                   int row_end);

// "AVX2", "AVX3": the instruction set in use, in Highway's words.
const char* CpuTargetName();

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_PRODUCT_H_
