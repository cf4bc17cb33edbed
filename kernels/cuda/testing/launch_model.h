// CUDA's launch model on the CPU, so that the kernels of kernels/cuda run, as
// they are written, where there is no GPU: in every test.
//
// A block's threads are fibers of the calling thread that take turns at
// barriers; blocks follow each other. So shared memory may be static, nothing
// is ever concurrent, and what is left to test on a GPU is what only it has:
// memory ordering, timing, the library products.
//
// Only what the kernels use is here. One CPU thread at a time.
#ifndef OXBOW_KERNELS_CUDA_TESTING_LAUNCH_MODEL_H_
#define OXBOW_KERNELS_CUDA_TESTING_LAUNCH_MODEL_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

#define __global__ static
#define __device__
#define __host__
#define __forceinline__ inline
#define __shared__ static
#define __launch_bounds__(...)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3() = default;
  dim3(unsigned x, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

extern dim3 threadIdx, blockIdx, blockDim, gridDim;

void __syncthreads();

// Calls `kernel` once for each thread of each block. CHECK: a block whose
// threads do not all reach the same barriers, on a GPU a hang.
void LaunchOnCpu(dim3 grid, dim3 block, const std::function<void()>& kernel);

// The runtime: one device whose memory is the host's.
using cudaError_t = int;
using cudaStream_t = void*;
constexpr cudaError_t cudaSuccess = 0;
constexpr cudaError_t cudaErrorMemoryAllocation = 2;
enum cudaMemcpyKind {
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice
};

const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaSetDevice(int device);
cudaError_t cudaMemGetInfo(size_t* free, size_t* total);
cudaError_t cudaMalloc(void** data, size_t bytes);
cudaError_t cudaFree(void* data);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes,
                            cudaStream_t stream);
cudaError_t cudaStreamCreate(cudaStream_t* stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);

#endif  // OXBOW_KERNELS_CUDA_TESTING_LAUNCH_MODEL_H_
