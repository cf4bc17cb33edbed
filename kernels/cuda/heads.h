// What the kernels of RWKV-5 to RWKV-7 share: a block of threads to each head
// of S channels, thread i being value channel i.
#ifndef OXBOW_KERNELS_CUDA_HEADS_H_
#define OXBOW_KERNELS_CUDA_HEADS_H_

#include <type_traits>

#include "kernels/cuda/math.h"

namespace oxbow {

// At least the 16 threads of BlockSum; the others of a small head only wait.
template <int S>
constexpr int kHeadThreads = S < 32 ? 32 : S;

// A number of each channel of the head, for all threads to read.
template <int S>
using Shared = float[S];

// Norm of ops.h over one head, eps 64e-5: the thread's own number of o.
template <int S>
__device__ inline float NormHead(const Shared<S>& o, float scale, float bias,
                                 int i, float (&partial)[16]) {
  const float mean =
      BlockSum(S, partial, [&](int c, float sum) { return sum + o[c]; }) / S;
  const float squares = BlockSum(S, partial, [&](int c, float sum) {
    const float d = o[c] - mean;
    return fmaf(d, d, sum);
  });
  const float inverse = 1.0f / sqrtf(squares / S + 64e-5f);
  return fmaf((o[i] - mean) * inverse, scale, bias);
}

// sum(r * k * u) of ops.h; u are the weights of this head.
template <int S>
__device__ inline float BonusOf(const Shared<S>& r, const Shared<S>& k,
                                const float* u, float (&partial)[16]) {
  return BlockSum(S, partial, [&](int c, float sum) {
    return fmaf(r[c] * k[c], u[c], sum);
  });
}

// Calls launch(size) for the head size, as a constant.
template <class LaunchSize>
void ForHeadSize(int size, const LaunchSize& launch) {
  switch (size) {
    case 8:
      return launch(std::integral_constant<int, 8>());
    case 16:
      return launch(std::integral_constant<int, 16>());
    case 32:
      return launch(std::integral_constant<int, 32>());
    case 64:
      return launch(std::integral_constant<int, 64>());
    case 128:
      return launch(std::integral_constant<int, 128>());
  }
  OXBOW_CHECK(false) << "heads of " << size;
}

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CUDA_HEADS_H_
