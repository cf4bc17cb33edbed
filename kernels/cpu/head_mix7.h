// RWKV-7's time mixing inside one head, on the CPU.
#ifndef OXBOW_KERNELS_CPU_HEAD_MIX7_H_
#define OXBOW_KERNELS_CPU_HEAD_MIX7_H_

#include "kernels/ops.h"

namespace oxbow {

// True for the head sizes there is a kernel for: 8, 16, 32, 64, 128.
bool HasHeadMix7(int head_size);

// HeadMix7 of ops.h for one head of one sequence: rows row_begin ..
// row_end - 1; `state` is this head's s[S,S].
void HeadMix7Head(const HeadMix7Args& args, int head, int row_begin,
                  int row_end, float* state);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_HEAD_MIX7_H_
