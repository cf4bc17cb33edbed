// Bytes for one tensor after another.
#ifndef OXBOW_ENGINE_WEIGHTS_BYTE_BUFFER_H_
#define OXBOW_ENGINE_WEIGHTS_BYTE_BUFFER_H_

#include <cstddef>
#include <cstdlib>

#include "absl/types/span.h"

namespace oxbow {

// Unlike a vector it gives memory back when it shrinks, in place, and does not
// fill what it grows by: while a model loads, nothing is held beside the
// weights but the tensor at hand.
//
// Thread-compatible.
class ByteBuffer {
 public:
  ByteBuffer() = default;
  ~ByteBuffer() { std::free(data_); }
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;

  char* data() const { return data_; }
  size_t size() const { return size_; }
  absl::Span<char> span() const { return absl::MakeSpan(data_, size_); }

  // Keeps the first bytes; what is added holds anything. False, and nothing
  // has changed, if there is no memory.
  bool Resize(size_t size) {
    void* const data = std::realloc(data_, size == 0 ? 1 : size);
    if (data == nullptr) return false;
    data_ = static_cast<char*>(data);
    size_ = size;
    return true;
  }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_BYTE_BUFFER_H_
