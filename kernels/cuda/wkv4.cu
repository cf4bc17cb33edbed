#include "kernels/cuda/math.h"
#include "kernels/cuda/wkv.h"

namespace oxbow {
namespace {

constexpr int kThreads = 128;

// The past and the present of a weighted mean, both divided by exp(scale).
struct Weights {
  __device__ Weights(float log_past, float log_now)
      : scale(fmaxf(log_past, log_now)),
        past(Exp(log_past - scale)),
        now(Exp(log_now - scale)) {}
  float scale, past, now;
};

__global__ void RecurChannel(Wkv4Args args, DeviceSequences sequences,
                             int64_t offset) {
  const int c = blockIdx.x * kThreads + threadIdx.x, b = blockIdx.y;
  const int width = args.y.width;
  if (c >= width) return;
  const int begin = b == 0 ? 0 : sequences.row_end[b - 1];
  float* state = sequences.states[b] + offset + c;
  const float w = args.w.data[c], u = args.u.data[c];
  float aa = state[0], bb = state[width], pp = state[2 * width];
  for (int n = begin; n < sequences.row_end[b]; ++n) {
    const float k = RowOf(args.k, n)[c], v = RowOf(args.v, n)[c];
    const Weights read(pp, u + k);
    const float mean =
        fmaf(read.past, aa, read.now * v) / fmaf(read.past, bb, read.now);
    RowOf(args.y, n)[c] = RowOf(args.r, n)[c] * mean;
    const Weights kept(pp + w, k);
    aa = fmaf(kept.past, aa, kept.now * v);
    bb = fmaf(kept.past, bb, kept.now);
    pp = kept.scale;
  }
  state[0] = aa;
  state[width] = bb;
  state[2 * width] = pp;
}

}  // namespace

void Wkv4OnGpu(const Wkv4Args& args, const DeviceSequences& sequences,
               int64_t offset, cudaStream_t stream) {
  const dim3 grid((args.y.width + kThreads - 1) / kThreads, sequences.count);
  Launch(RecurChannel, grid, kThreads, stream, args, sequences, offset);
}

}  // namespace oxbow
