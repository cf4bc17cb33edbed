// Memory of the device, owned.
#ifndef OXBOW_KERNELS_CUDA_DEVICE_MEMORY_H_
#define OXBOW_KERNELS_CUDA_DEVICE_MEMORY_H_

#include <cstddef>

#include "absl/status/statusor.h"

namespace oxbow {

// Gives its memory back when it goes, after all that the device was told to do
// with it. Movable, not copyable.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  // ResourceExhausted, with what is free and what there is, if the device has
  // less.
  static absl::StatusOr<DeviceMemory> Make(size_t bytes);
  ~DeviceMemory();
  DeviceMemory(DeviceMemory&& other) noexcept;
  DeviceMemory& operator=(DeviceMemory&& other) noexcept;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  // Leaves the memory to the caller: cudaFree.
  void* Release();

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CUDA_DEVICE_MEMORY_H_
