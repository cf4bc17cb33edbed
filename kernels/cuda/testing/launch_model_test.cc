#include "kernels/cuda/testing/launch_model.h"

#include <vector>

#include "gtest/gtest.h"

namespace {

std::vector<int> seen;

// Each thread leaves its number, then reads its neighbour's.
__global__ void PassAround() {
  __shared__ int left[6];
  const int self = threadIdx.y * blockDim.x + threadIdx.x;
  left[self] = 100 * (blockIdx.y * gridDim.x + blockIdx.x) + self;
  __syncthreads();
  const int next = left[(self + 1) % 6];
  __syncthreads();
  seen.push_back(next);
}

__global__ void HalfWaits() {
  if (threadIdx.x < 2) __syncthreads();
}

TEST(LaunchModelTest, ThreadsMeetAtBarriers) {
  seen.clear();
  LaunchOnCpu(dim3(2, 2), dim3(3, 2), [] { PassAround(); });
  ASSERT_EQ(seen.size(), 24u);
  for (int i = 0; i < 24; ++i) {
    EXPECT_EQ(seen[i], 100 * (i / 6) + (i % 6 + 1) % 6) << i;
  }
}

TEST(LaunchModelDeathTest, ABarrierThatNotAllReachIsABug) {
  EXPECT_DEATH(LaunchOnCpu(dim3(1), dim3(4), [] { HalfWaits(); }),
               "waits for one that has ended");
}

}  // namespace
