#include "kernels/cuda/testing/launch_model.h"

#include <ucontext.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "base/check.h"

dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace {

constexpr size_t kStackBytes = 64 << 10;
// As an H200 says it has.
constexpr size_t kDeviceBytes = size_t{139} << 30;

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack;
  dim3 index;
  int barriers = 0;  // passed
  bool ended = false;
};

// A block that runs: its fibers take turns, each up to its next barrier.
class Block {
 public:
  Block(dim3 size, const std::function<void()>& kernel) : kernel_(kernel) {
    const size_t threads = size_t{1} * size.x * size.y * size.z;
    while (Stacks().size() < threads) {
      Stacks().emplace_back(new char[kStackBytes]);
    }
    fibers_.resize(threads);
    for (size_t t = 0; t < threads; ++t) {
      fibers_[t].index = dim3(t % size.x, t / size.x % size.y,
                              static_cast<unsigned>(t / size.x / size.y));
      Prepare(fibers_[t], Stacks()[t].get());
    }
  }

  void Run() {
    running_ = this;
    size_t ended = 0;
    while (ended < fibers_.size()) {
      for (Fiber& fiber : fibers_) {
        OXBOW_CHECK(!fiber.ended) << "a thread waits for one that has ended";
        Resume(fiber);
        ended += fiber.ended;
        OXBOW_CHECK(fiber.ended == fibers_[0].ended &&
                    fiber.barriers == fibers_[0].barriers)
            << "a thread waits for one that has ended";
      }
    }
    running_ = nullptr;
  }

  static void Wait() {
    Fiber& fiber = *running_->current_;
    ++fiber.barriers;
    OXBOW_CHECK(swapcontext(&fiber.context, &running_->caller_) == 0);
  }

 private:
  // Kept from block to block: making them is the larger part of a launch.
  static std::vector<std::unique_ptr<char[]>>& Stacks() {
    static std::vector<std::unique_ptr<char[]>> stacks;
    return stacks;
  }

  static void Begin() {
    running_->kernel_();
    running_->current_->ended = true;
  }

  void Prepare(Fiber& fiber, char* stack) {
    OXBOW_CHECK(getcontext(&fiber.context) == 0);
    fiber.context.uc_stack.ss_sp = stack;
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = &caller_;
    makecontext(&fiber.context, &Block::Begin, 0);
  }

  void Resume(Fiber& fiber) {
    current_ = &fiber;
    threadIdx = fiber.index;
    OXBOW_CHECK(swapcontext(&caller_, &fiber.context) == 0);
  }

  static Block* running_;
  const std::function<void()>& kernel_;
  std::vector<Fiber> fibers_;
  Fiber* current_ = nullptr;
  ucontext_t caller_;
};

Block* Block::running_ = nullptr;

}  // namespace

void __syncthreads() { Block::Wait(); }

void LaunchOnCpu(dim3 grid, dim3 block, const std::function<void()>& kernel) {
  gridDim = grid;
  blockDim = block;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = dim3(x, y, z);
        Block(block, kernel).Run();
      }
    }
  }
}

const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaSuccess ? "no error" : "out of memory";
}

cudaError_t cudaGetLastError() { return cudaSuccess; }

cudaError_t cudaSetDevice(int) { return cudaSuccess; }

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  *free = *total = kDeviceBytes;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** data, size_t bytes) {
  if (bytes > kDeviceBytes) return cudaErrorMemoryAllocation;
  *data = std::malloc(bytes);
  return *data != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaFree(void* data) {
  std::free(data);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes,
                            cudaMemcpyKind, cudaStream_t) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t) {
  std::memset(to, value, bytes);
  return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  *stream = nullptr;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }

cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
