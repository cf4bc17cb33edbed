#include "tests/bench/floors.h"

#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <cstring>

#include "base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/bench/floors.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Reads `bytes` (whole kilobytes) and returns something that depends on all.
uint32_t ReadAll(const uint8_t* from, size_t bytes) {
  const hn::ScalableTag<uint32_t> d;
  const size_t step = hn::Lanes(d);
  const auto* words = reinterpret_cast<const uint32_t*>(from);
  auto a = hn::Zero(d), b = a, c = a, e = a;
  for (size_t i = 0; i + 4 * step <= bytes / 4; i += 4 * step) {
    a = hn::Xor(a, hn::LoadU(d, words + i));
    b = hn::Xor(b, hn::LoadU(d, words + i + step));
    c = hn::Xor(c, hn::LoadU(d, words + i + 2 * step));
    e = hn::Xor(e, hn::LoadU(d, words + i + 3 * step));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
}

// Runs `steps` of 12 independent multiply-adds; returns the flops done.
double MultiplyAdds(int steps, float* sink) {
  const hn::ScalableTag<float> d;
  hn::Vec<decltype(d)> acc[12];
  for (int i = 0; i < 12; ++i) acc[i] = hn::Set(d, 0.1f * i);
  const auto x = hn::Set(d, 0.999f), y = hn::Set(d, 0.001f);
  for (int s = 0; s < steps; ++s) {
    _Pragma("GCC unroll 16") for (auto& sum : acc) {
      sum = hn::MulAdd(sum, x, y);
    }
  }
  _Pragma("GCC unroll 16") for (int i = 1; i < 12; ++i) {
    acc[0] = hn::Add(acc[0], acc[i]);
  }
  *sink = hn::GetLane(hn::SumOfLanes(d, acc[0]));
  return 2.0 * 12 * hn::Lanes(d) * steps;
}

// The same of 12 independent dot products of pairs; returns the operations.
double ShortMultiplyAdds(int steps, float* sink) {
#if HWY_TARGET == HWY_SCALAR
  return MultiplyAdds(steps, sink);
#else
  const hn::ScalableTag<int32_t> d;
  const hn::RepartitionToNarrow<decltype(d)> pairs;
  hn::Vec<decltype(d)> acc[12];
  for (int i = 0; i < 12; ++i) acc[i] = hn::Set(d, i);
  const auto x = hn::Set(pairs, 3), y = hn::Set(pairs, 5);
#if HWY_TARGET == HWY_AVX3
  if (__builtin_cpu_supports("avx512vnni")) {
    for (int s = 0; s < steps; ++s) {
      _Pragma("GCC unroll 16") for (int i = 0; i < 12; ++i) {
        auto sum = acc[i].raw;
        asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(x.raw), "v"(y.raw));
        acc[i].raw = sum;
      }
    }
  } else
#endif
  {
    for (int s = 0; s < steps; ++s) {
      _Pragma("GCC unroll 16") for (auto& sum : acc) {
        auto unused = hn::Zero(d);
        sum = hn::ReorderWidenMulAccumulate(d, x, y, sum, unused);
      }
    }
  }
  _Pragma("GCC unroll 16") for (int i = 1; i < 12; ++i) {
    acc[0] = hn::Add(acc[0], acc[i]);
  }
  *sink = static_cast<float>(hn::GetLane(hn::SumOfLanes(d, acc[0])));
  return 2.0 * 12 * hn::Lanes(pairs) * steps;
#endif
}

double HalfMultiplyAdds(int steps, float* sink) {
#if HWY_TARGET != HWY_AVX3
  return MultiplyAdds(steps, sink);
#else
  const hn::ScalableTag<float> d;
  hn::Vec<decltype(d)> acc[12];
  for (int i = 0; i < 12; ++i) acc[i] = hn::Set(d, 0.1f * i);
  const auto x = hn::Set(d, 1.5f), y = hn::Set(d, 0.001f);
  for (int s = 0; s < steps; ++s) {
    _Pragma("GCC unroll 16") for (int i = 0; i < 12; ++i) {
      auto sum = acc[i].raw;
      asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(x.raw), "v"(y.raw));
      acc[i].raw = sum;
    }
  }
  _Pragma("GCC unroll 16") for (int i = 1; i < 12; ++i) {
    acc[0] = hn::Add(acc[0], acc[i]);
  }
  *sink = hn::GetLane(hn::SumOfLanes(d, acc[0]));
  return 2.0 * 12 * 2 * hn::Lanes(d) * steps;
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oxbow {
namespace {

HWY_EXPORT(ReadAll);
HWY_EXPORT(MultiplyAdds);
HWY_EXPORT(ShortMultiplyAdds);
HWY_EXPORT(HalfMultiplyAdds);

constexpr size_t kHugePageBytes = size_t{2} << 20;
// Some ten milliseconds.
constexpr int kPeakSteps = 5000000;

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Operations a second of `work`, which does some and says how many.
template <class Work>
double Peak(ThreadPool& pool, const Work& work) {
  constexpr int kTasksAThread = 16;
  const int tasks = pool.threads() * kTasksAThread;
  std::atomic<int64_t> done{0};
  const double start = Now();
  pool.Run(tasks, [&](int) {
    float sink;
    done += static_cast<int64_t>(work(kPeakSteps / kTasksAThread, &sink));
    volatile float keep = sink;
    (void)keep;
  });
  return static_cast<double>(done) / (Now() - start);
}

}  // namespace

FloorBuffer::FloorBuffer(size_t bytes) : bytes_(bytes) {
  void* data = nullptr;
  OXBOW_CHECK(posix_memalign(&data, kHugePageBytes, bytes) == 0) << bytes;
  (void)madvise(data, bytes, MADV_HUGEPAGE);
  std::memset(data, 1, bytes);
  data_ = static_cast<uint8_t*>(data);
}

FloorBuffer::~FloorBuffer() { std::free(data_); }

double ReadBandwidth(ThreadPool& pool, const FloorBuffer& buffer) {
  // Pieces rather than shares: a thread that is put aside holds up one piece.
  constexpr size_t kPieceBytes = size_t{1} << 20;
  const int pieces = static_cast<int>(buffer.bytes() / kPieceBytes);
  std::atomic<uint32_t> sink{0};
  const double start = Now();
  pool.Run(pieces, [&](int piece) {
    sink += HWY_DYNAMIC_DISPATCH(ReadAll)(buffer.data() + piece * kPieceBytes,
                                          kPieceBytes);
  });
  return pieces * static_cast<double>(kPieceBytes) / (Now() - start);
}

double MultiplyAddPeak(ThreadPool& pool) {
  return Peak(pool, [](int steps, float* sink) {
    return HWY_DYNAMIC_DISPATCH(MultiplyAdds)(steps, sink);
  });
}

double ShortMultiplyAddPeak(ThreadPool& pool) {
  return Peak(pool, [](int steps, float* sink) {
    return HWY_DYNAMIC_DISPATCH(ShortMultiplyAdds)(steps, sink);
  });
}

double HalfMultiplyAddPeak(ThreadPool& pool) {
  return Peak(pool, [](int steps, float* sink) {
    return HWY_DYNAMIC_DISPATCH(HalfMultiplyAdds)(steps, sink);
  });
}

}  // namespace oxbow
#endif  // HWY_ONCE
