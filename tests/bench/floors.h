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

// Reads a buffer as fast as we know how to on this machine. Which way of asking
// for memory is the fastest depends on the machine, the threads and on what
// else it does: one load after another, with prefetches so or so far ahead into
// this or that cache, from several places at once. The constructor tries each a
// few times in turn and keeps the one with the fastest pass.
//
// Thread-compatible. Borrows both.
class FloorReader {
 public:
  FloorReader(ThreadPool* pool, const FloorBuffer* buffer);

  // Bytes a second of reading all of the buffer `passes` times, each thread its
  // share: what of it stays in the caches between passes is as near as what
  // stays there of a model between steps.
  double Bandwidth(int passes) const;

  // In words for people: "8 KiB ahead".
  const char* way() const;

 private:
  double Read(int way, int passes) const;

  ThreadPool* const pool_;
  const FloorBuffer* const buffer_;
  int way_ = 0;
};

// Seconds that a number takes from the first core to the second at best, tried
// for some milliseconds. Two cores under one third-level cache are several
// times nearer to each other than two under two, and have less bandwidth and
// half of the cache; where a virtual machine's cores are, its host decides now
// and then.
double HandOverSeconds();

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
