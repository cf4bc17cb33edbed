// Memory of a backend, owned.
#ifndef OXBOW_KERNELS_BUFFER_H_
#define OXBOW_KERNELS_BUFFER_H_

#include <cstdint>
#include <functional>
#include <utility>

namespace oxbow {

// Owns fp32 numbers in a backend's memory (Ops::Allocate) and gives them back
// when it goes. Movable, not copyable. Must not outlive its Ops.
class Buffer {
 public:
  Buffer() = default;
  Buffer(float* data, int64_t count, std::function<void(float*)> free)
      : data_(data), count_(count), free_(std::move(free)) {}
  ~Buffer() { Free(); }
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    if (this == &other) return *this;
    Free();
    data_ = std::exchange(other.data_, nullptr);
    count_ = std::exchange(other.count_, 0);
    free_ = std::move(other.free_);
    return *this;
  }

  float* data() const { return data_; }
  int64_t count() const { return count_; }

 private:
  void Free() {
    if (data_ != nullptr) free_(data_);
    data_ = nullptr;
  }

  float* data_ = nullptr;
  int64_t count_ = 0;
  std::function<void(float*)> free_;
};

}  // namespace oxbow

#endif  // OXBOW_KERNELS_BUFFER_H_
