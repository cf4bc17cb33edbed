#include "tests/bench/floors.h"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <iterator>
#include <thread>

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

// Reads `bytes` (whole kilobytes) from kPlaces places at once, each its part,
// and asks for what lies kAhead bytes ahead to be brought into a cache:
// kNearness 3 the nearest, 2 the second, 0 one that it leaves soon. kAhead 0:
// does not ask. Returns something that depends on all.
template <int kPlaces, int kAhead, int kNearness>
uint32_t ReadAll(const uint8_t* from, size_t bytes) {
  const hn::ScalableTag<uint32_t> d;
  const size_t step = hn::Lanes(d) * sizeof(uint32_t);
  constexpr int kLoads = 4 / kPlaces;  // from each place in turn
  const size_t part = bytes / kPlaces;
  auto a = hn::Zero(d), b = a, c = a, e = a;
  const auto load = [&](size_t i, int n) HWY_ATTR {
    const uint8_t* p = from + (n / kLoads) * part + i + (n % kLoads) * step;
    if (kAhead > 0) __builtin_prefetch(p + kAhead, 0, kNearness);
    return hn::LoadU(d, reinterpret_cast<const uint32_t*>(p));
  };
  for (size_t i = 0; i + kLoads * step <= part; i += kLoads * step) {
    a = hn::Xor(a, load(i, 0));
    b = hn::Xor(b, load(i, 1));
    c = hn::Xor(c, load(i, 2));
    e = hn::Xor(e, load(i, 3));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
}

// In the order of kReadWays.
uint32_t ReadSome(int way, const uint8_t* from, size_t bytes) {
  constexpr uint32_t (*kReaders[])(const uint8_t*, size_t) = {
      ReadAll<1, 0, 3>,    ReadAll<1, 4096, 3>, ReadAll<1, 8192, 3>,
      ReadAll<1, 8192, 2>, ReadAll<1, 4096, 0>, ReadAll<2, 0, 3>,
      ReadAll<4, 0, 3>,    ReadAll<4, 2048, 3>};
  return kReaders[way](from, bytes);
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

HWY_EXPORT(ReadSome);
HWY_EXPORT(MultiplyAdds);
HWY_EXPORT(ShortMultiplyAdds);
HWY_EXPORT(HalfMultiplyAdds);

constexpr size_t kHugePageBytes = size_t{2} << 20;
// In the order of ReadSome().
constexpr const char* kReadWays[] = {
    "no prefetch",
    "4 KiB ahead",
    "8 KiB ahead",
    "8 KiB ahead, second cache",
    "4 KiB ahead, soon left",
    "2 places",
    "4 places",
    "4 places, 2 KiB ahead",
};
constexpr int kReadTries = 5;
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

FloorReader::FloorReader(ThreadPool* pool, const FloorBuffer* buffer)
    : pool_(pool), buffer_(buffer) {
  double fastest = 0;
  for (int round = 0; round < kReadTries; ++round) {
    for (size_t way = 0; way < std::size(kReadWays); ++way) {
      const double speed = Read(static_cast<int>(way), /*passes=*/1);
      if (speed <= fastest) continue;
      fastest = speed;
      way_ = static_cast<int>(way);
    }
  }
}

// Keeps the calling thread on the machine's core of that number, if it may.
static void StayOnCore(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  (void)sched_setaffinity(0, sizeof(cores), &cores);
}

double FloorReader::Bandwidth(int passes) const { return Read(way_, passes); }

const char* FloorReader::way() const { return kReadWays[way_]; }

double FloorReader::Read(int way, int passes) const {
  // Pieces rather than shares: a thread that is put aside holds up one piece.
  constexpr size_t kPieceBytes = size_t{1} << 20;
  const int pieces = static_cast<int>(buffer_->bytes() / kPieceBytes);
  std::atomic<uint32_t> sink{0};
  const double start = Now();
  for (int pass = 0; pass < passes; ++pass) {
    pool_->Run(pieces, [&](int piece) {
      sink += HWY_DYNAMIC_DISPATCH(ReadSome)(
          way, buffer_->data() + piece * kPieceBytes, kPieceBytes);
    });
  }
  return passes * static_cast<double>(pieces) * kPieceBytes / (Now() - start);
}

double HandOverSeconds() {
  constexpr double kTrySeconds = 0.01;
  constexpr int kTurns = 100;  // there and back
  std::atomic<bool> is_there{false}, ended{false};
  std::thread other([&] {
    StayOnCore(1);
    while (!ended) {
      if (is_there) is_there = false;
    }
  });
  double best = kTrySeconds;
  std::thread measure([&] {
    StayOnCore(0);
    for (const double end = Now() + kTrySeconds; Now() < end;) {
      const double begin = Now();
      for (int turn = 0; turn < kTurns; ++turn) {
        is_there = true;
        while (is_there) {
        }
      }
      best = std::min(best, (Now() - begin) / (2 * kTurns));
    }
    ended = true;
  });
  measure.join();
  other.join();
  return best;
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
