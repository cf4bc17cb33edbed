#include "kernels/cuda/device_memory.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "kernels/cuda/device.h"

namespace oxbow {

absl::StatusOr<DeviceMemory> DeviceMemory::Make(size_t bytes) {
  DeviceMemory memory;
  if (cudaMalloc(&memory.data_, bytes > 0 ? bytes : 1) != cudaSuccess) {
    (void)cudaGetLastError();  // or the next call would report it
    size_t free = 0, total = 0;
    CheckCuda(cudaMemGetInfo(&free, &total));
    return absl::ResourceExhaustedError(
        absl::StrCat("the GPU has ", free >> 20, " of its ", total >> 20,
                     " MiB free, and ", bytes >> 20, " MiB are needed"));
  }
  memory.bytes_ = bytes;
  return memory;
}

DeviceMemory::~DeviceMemory() {
  if (data_ != nullptr) (void)cudaFree(data_);
}

DeviceMemory::DeviceMemory(DeviceMemory&& other) noexcept {
  *this = std::move(other);
}

DeviceMemory& DeviceMemory::operator=(DeviceMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

void* DeviceMemory::Release() {
  bytes_ = 0;
  return std::exchange(data_, nullptr);
}

}  // namespace oxbow
