#include "kernels/cpu/wkv4.h"

#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/wkv4.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/highway.h"
#include "kernels/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace oxbow {
namespace HWY_NAMESPACE {

// The past and the present of a weighted mean, both divided by exp(scale).
struct Weights {
  HWY_INLINE Weights(const Lanes& log_past, const Lanes& log_now)
      : scale(Max(log_past, log_now)),
        past(Exp(Sub(log_past, scale))),
        now(Exp(Sub(log_now, scale))) {}
  Lanes scale, past, now;
};

// The first `count` channels from c on.
HWY_INLINE void RecurChannels(const Wkv4Args& args, int c, int count,
                              int row_begin, int row_end, float* state) {
  const int64_t width = args.y.width;
  const Lanes w = Load(args.w.data + c, count);
  const Lanes u = Load(args.u.data + c, count);
  Lanes aa = Load(state + c, count);
  Lanes bb = Load(state + width + c, count);
  Lanes pp = Load(state + 2 * width + c, count);
  for (int n = row_begin; n < row_end; ++n) {
    const Lanes k = Load(args.k.row(n) + c, count);
    const Lanes v = Load(args.v.row(n) + c, count);
    const Weights read(pp, Add(u, k));
    const Lanes mean = Div(MulAdd(read.past, aa, Mul(read.now, v)),
                           MulAdd(read.past, bb, read.now));
    Store(Mul(Load(args.r.row(n) + c, count), mean), args.y.row(n) + c, count);
    const Weights kept(Add(pp, w), k);
    aa = MulAdd(kept.past, aa, Mul(kept.now, v));
    bb = MulAdd(kept.past, bb, kept.now);
    pp = kept.scale;
  }
  Store(aa, state + c, count);
  Store(bb, state + width + c, count);
  Store(pp, state + 2 * width + c, count);
}

void Wkv4ChannelsNow(const Wkv4Args& args, int channel_begin, int channel_end,
                     int row_begin, int row_end, float* state) {
  for (int c = channel_begin; c < channel_end; c += 16) {
    RecurChannels(args, c, channel_end - c, row_begin, row_end, state);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace oxbow
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace oxbow {
namespace {

HWY_EXPORT(Wkv4ChannelsNow);

}  // namespace

void Wkv4Channels(const Wkv4Args& args, int channel_begin, int channel_end,
                  int row_begin, int row_end, float* state) {
  HWY_DYNAMIC_DISPATCH(Wkv4ChannelsNow)
  (args, channel_begin, channel_end, row_begin, row_end, state);
}

}  // namespace oxbow
#endif  // HWY_ONCE
