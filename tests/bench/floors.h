// What the machine can do at best, measured beside the thing itself.
#ifndef OXBOW_TESTS_BENCH_FLOORS_H_
#define OXBOW_TESTS_BENCH_FLOORS_H_

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/thread_pool.h"

namespace oxbow {

// Memory to read from, on huge pages if the system agrees.
class FloorBuffer {
 public:
  explicit FloorBuffer(size_t bytes);
  ~FloorBuffer();
  FloorBuffer(const FloorBuffer&) = delete;
  FloorBuffer& operator=(const FloorBuffer&) = delete;

  const uint8_t* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_;
  uint8_t* data_;
};

// Bytes a second of reading the buffer once, each thread its share.
double ReadBandwidth(ThreadPool& pool, const FloorBuffer& buffer);

// Floating point operations a second of fused multiply-adds (two each) in
// registers, all threads together.
double MultiplyAddPeak(ThreadPool& pool);

// The same of products of 16-bit integers, added in pairs to 32 bits: what
// weights in blocks are multiplied with.
double ShortMultiplyAddPeak(ThreadPool& pool);

// The same of products of bf16, added in pairs to fp32. Only where
// HasHalfProduct().
double HalfMultiplyAddPeak(ThreadPool& pool);

}  // namespace oxbow

#endif  // OXBOW_TESTS_BENCH_FLOORS_H_
