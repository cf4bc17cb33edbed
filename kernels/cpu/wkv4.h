// RWKV-4's recurrence for some channels, on the CPU.
#ifndef OXBOW_KERNELS_CPU_WKV4_H_
#define OXBOW_KERNELS_CPU_WKV4_H_

#include "kernels/ops.h"

namespace oxbow {

// Wkv4 of ops.h for the channels channel_begin .. channel_end - 1 of one
// sequence: rows row_begin .. row_end - 1; `state` is the sequence's aa[D],
// bb[D], pp[D].
void Wkv4Channels(const Wkv4Args& args, int channel_begin, int channel_end,
                  int row_begin, int row_end, float* state);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_WKV4_H_
