// RWKV-7's time mixing inside one head, on the CPU.
#ifndef OXBOW_KERNELS_CPU_WKV7_H_
#define OXBOW_KERNELS_CPU_WKV7_H_

#include "kernels/ops.h"

namespace oxbow {

// Wkv7 of ops.h for one head of one sequence: rows row_begin .. row_end - 1;
// `state` is this head's s[S,S].
void Wkv7Head(const Wkv7Args& args, int head, int row_begin, int row_end,
              float* state);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_WKV7_H_
