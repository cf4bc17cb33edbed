// The functions of ops.h for kernels, bit for bit those of the CPU's
// (kernels/cpu/lanes-inl.h). Compiled without contraction of a * b + c, with
// IEEE's division and square root, and with denormal numbers kept.
#ifndef OXBOW_KERNELS_CUDA_MATH_H_
#define OXBOW_KERNELS_CUDA_MATH_H_

#include <cstdint>
#include <cstring>

#include "kernels/cuda/device.h"
#include "kernels/ops.h"

namespace oxbow {

__device__ inline float FloatOfBits(uint32_t bits) {
#ifdef OXBOW_LAUNCH_MODEL
  float x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
#else
  return __uint_as_float(bits);
#endif
}

// Row n of rows.
__device__ inline float* RowOf(const Rows& rows, int64_t n) {
  return rows.data + n * rows.pitch;
}

// e^x within 2e-7 of its size for x in [-87, 88]; x is clamped to that.
// The polynomial is Cephes' expf.
__device__ inline float Exp(float x_any) {
  const float x = fminf(fmaxf(x_any, -87.0f), 88.0f);
  const float n = rintf(x * 1.44269504f);
  float r = fmaf(n, -0.693359375f, x);
  r = fmaf(n, 2.12194440e-4f, r);
  float p = 1.9875691500e-4f;
  p = fmaf(p, r, 1.3981999507e-3f);
  p = fmaf(p, r, 8.3334519073e-3f);
  p = fmaf(p, r, 4.1665795894e-2f);
  p = fmaf(p, r, 1.6666665459e-1f);
  p = fmaf(p, r, 5.0000001201e-1f);
  p = fmaf(p * r, r, r + 1.0f);
  return p *
         FloatOfBits(static_cast<uint32_t>(static_cast<int>(n) + 127) << 23);
}

__device__ inline float Sigmoid(float x) { return 1.0f / (1.0f + Exp(-x)); }

__device__ inline float Tanh(float x) {
  return 1.0f - 2.0f / (1.0f + Exp(x + x));
}

__device__ inline float Activate(float x, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kTanh:
      return Tanh(x);
    case Activation::kSigmoid:
      return Sigmoid(x);
    case Activation::kSilu:
      return x * Sigmoid(x);
    case Activation::kRelu:
      return fmaxf(x, 0.0f);
    case Activation::kReluSquared: {
      const float positive = fmaxf(x, 0.0f);
      return positive * positive;
    }
  }
  return x;
}

// The fp32 number of fp16 bits.
__device__ inline float HalfOf(uint16_t bits) {
  const uint32_t sign = uint32_t{bits & 0x8000u} << 16;
  const uint32_t exponent = bits >> 10 & 31u, fraction = bits & 1023u;
  if (exponent == 0) {  // fraction * 2^-24, exact
    const float size = static_cast<float>(fraction) * 5.9604644775390625e-8f;
    return sign != 0 ? -size : size;
  }
  const uint32_t widened = exponent == 31 ? 255u : exponent + 112u;
  return FloatOfBits(sign | widened << 23 | fraction << 13);
}

// The number at `i` of plain numbers of a dtype.
template <DType kDType>
__device__ inline float NumberAt(const void* numbers, int64_t i) {
  if constexpr (kDType == DType::kF32) {
    return static_cast<const float*>(numbers)[i];
  } else if constexpr (kDType == DType::kF16) {
    return HalfOf(static_cast<const uint16_t*>(numbers)[i]);
  } else {
    return FloatOfBits(uint32_t{static_cast<const uint16_t*>(numbers)[i]}
                       << 16);
  }
}

// sum() of ops.h over at(0) .. at(count - 1) as each thread of a block wants
// it: term(i, partial) adds number i to a partial sum. All threads call it; 16
// of them add. `partial` is shared memory that nobody else uses.
template <class Term>
__device__ inline float BlockSum(int count, float (&partial)[16],
                                 const Term& term) {
  const int lane = static_cast<int>(threadIdx.x);
  if (lane < 16) {
    float sum = 0.0f;
    for (int i = lane; i < count; i += 16) sum = term(i, sum);
    partial[lane] = sum;
  }
  __syncthreads();
  float tree[8];
  for (int i = 0; i < 8; ++i) tree[i] = partial[i] + partial[i + 8];
  for (int h = 4; h > 0; h /= 2) {
    for (int i = 0; i < h; ++i) tree[i] += tree[i + h];
  }
  __syncthreads();
  return tree[0];
}

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CUDA_MATH_H_
