#include "kernels/cuda/finish.h"
#include "kernels/cuda/math.h"
#include "kernels/cuda/product.h"

namespace oxbow {
namespace {

// A block's share: kRows x kOutputs accumulators, kOwnRows x kOwnOutputs of
// them in each of the first threads; all threads fetch kInputs inputs at a
// time.
template <int kRowsOf, int kOutputsOf, int kOwnRowsOf, int kOwnOutputsOf,
          int kInputsOf, int kThreadsOf>
struct Tile {
  static constexpr int kRows = kRowsOf, kOutputs = kOutputsOf;
  static constexpr int kOwnRows = kOwnRowsOf, kOwnOutputs = kOwnOutputsOf;
  static constexpr int kInputs = kInputsOf, kThreads = kThreadsOf;
  static constexpr int kAcross = kOutputs / kOwnOutputs;
  static constexpr int kAdding = kRows / kOwnRows * kAcross;
};

using ManyRows = Tile<64, 64, 4, 4, 16, 256>;
using FewRows = Tile<4, 16, 1, 1, 128, 128>;
constexpr int kFewRowsMax = 16;

// to[k][i] = the number at row first + i, column k0 + k of a matrix of
// `numbers`; rows past the last are left as they are.
template <class T, int kWidth, class Number>
__device__ inline void Fetch(float (&to)[T::kInputs][kWidth], int first,
                             int rows, int k0, int inputs,
                             const Number& number) {
  for (int at = threadIdx.x; at < (kWidth - 1) * T::kInputs;
       at += T::kThreads) {
    const int i = at / T::kInputs, k = at % T::kInputs;
    if (first + i < rows && k0 + k < inputs) {
      to[k][i] = number(first + i, k0 + k);
    }
  }
}

// acc = fma(w[k], x[k], acc) for the inputs that were fetched, ascending.
template <class T>
__device__ inline void Accumulate(const float (&x)[T::kInputs][T::kRows + 1],
                                  const float (&w)[T::kInputs][T::kOutputs + 1],
                                  int count, int row, int output,
                                  float (&acc)[T::kOwnRows][T::kOwnOutputs]) {
  for (int k = 0; k < count; ++k) {
    for (int n = 0; n < T::kOwnRows; ++n) {
      for (int o = 0; o < T::kOwnOutputs; ++o) {
        acc[n][o] = fmaf(w[k][output + o], x[k][row + n], acc[n][o]);
      }
    }
  }
}

template <class T, DType kDType>
__global__ void __launch_bounds__(T::kThreads) MultiplyTile(Product product) {
  __shared__ float x[T::kInputs][T::kRows + 1];
  __shared__ float w[T::kInputs][T::kOutputs + 1];
  const int inputs = product.w.inputs;
  const int first_row = blockIdx.y * T::kRows;
  const int first_output = blockIdx.x * T::kOutputs;
  const bool adds = threadIdx.x < T::kAdding;
  const int row = threadIdx.x / T::kAcross * T::kOwnRows;
  const int output = threadIdx.x % T::kAcross * T::kOwnOutputs;
  float acc[T::kOwnRows][T::kOwnOutputs] = {};
  for (int k0 = 0; k0 < inputs; k0 += T::kInputs) {
    Fetch<T>(x, first_row, product.x.count, k0, inputs,
             [&](int n, int k) { return RowOf(product.x, n)[k]; });
    Fetch<T>(w, first_output, product.w.outputs, k0, inputs, [&](int o, int k) {
      return NumberAt<kDType>(product.w.data, int64_t{1} * o * inputs + k);
    });
    __syncthreads();
    const int left = inputs - k0;
    const int count = left < T::kInputs ? left : T::kInputs;
    if (adds) Accumulate<T>(x, w, count, row, output, acc);
    __syncthreads();
  }
  if (!adds) return;
  for (int n = 0; n < T::kOwnRows; ++n) {
    for (int o = 0; o < T::kOwnOutputs; ++o) {
      Finish(product, first_row + row + n, first_output + output + o,
             acc[n][o]);
    }
  }
}

template <class T, DType kDType>
void LaunchTile(const Product& product, cudaStream_t stream) {
  const dim3 grid((product.w.outputs + T::kOutputs - 1) / T::kOutputs,
                  (product.x.count + T::kRows - 1) / T::kRows);
  Launch(MultiplyTile<T, kDType>, grid, T::kThreads, stream, product);
}

template <DType kDType>
void MultiplyOf(const Product& product, cudaStream_t stream) {
  if (product.x.count <= kFewRowsMax) {
    LaunchTile<FewRows, kDType>(product, stream);
  } else {
    LaunchTile<ManyRows, kDType>(product, stream);
  }
}

}  // namespace

void MultiplyOnGpu(const Product& product, cudaStream_t stream) {
  switch (product.w.dtype) {
    case DType::kF32:
      return MultiplyOf<DType::kF32>(product, stream);
    case DType::kF16:
      return MultiplyOf<DType::kF16>(product, stream);
    default:
      OXBOW_CHECK(product.w.dtype == DType::kBF16) << NameOf(product.w.dtype);
      return MultiplyOf<DType::kBF16>(product, stream);
  }
}

}  // namespace oxbow
