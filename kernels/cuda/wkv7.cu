#include "kernels/cuda/heads.h"
#include "kernels/cuda/wkv.h"

namespace oxbow {
namespace {

// -exp(-0.5): the steepest log-decay of a channel.
constexpr float kMinusExpMinusHalf = -0.606530659712633f;

// What the threads of a head tell each other of one row.
template <int S>
struct Row7 {
  Shared<S> r, k, decay, kk, minus_kk, kk_a, o;
  float partial[16];
};

// What is a thread's own of one row.
struct Channel {
  float v, a;
};

__device__ inline float ValueOf(const Wkv7Args& args, int n, int c) {
  const float v = RowOf(args.v, n)[c];
  if (!args.leans) return v;
  const float gate = Sigmoid(args.v0.data[c] + RowOf(args.v_gate, n)[c]);
  return fmaf(RowOf(args.v_first, n)[c] - v, gate, v);
}

// Fills the row but for what comes of kk, which needs its norm.
template <int S>
__device__ inline Channel PrepareRow(const Wkv7Args& args, int n, int c, int i,
                                     Row7<S>& row) {
  Channel own;
  own.v = ValueOf(args, n, c);
  own.a = Sigmoid(args.a0.data[c] + RowOf(args.a, n)[c]);
  const float k = RowOf(args.k, n)[c];
  row.decay[i] =
      Exp(kMinusExpMinusHalf * Sigmoid(args.w0.data[c] + RowOf(args.w, n)[c]));
  row.r[i] = RowOf(args.r, n)[c];
  row.kk[i] = k * args.k_k.data[c];
  row.k[i] = k * fmaf(own.a - 1.0f, args.k_a.data[c], 1.0f);
  return own;
}

// The norm of kk, and what comes of it.
template <int S>
__device__ inline void PrepareRemoval(const Channel& own, int i, Row7<S>& row) {
  const float squares = BlockSum(S, row.partial, [&](int c, float sum) {
    return fmaf(row.kk[c], row.kk[c], sum);
  });
  const float inverse = 1.0f / fmaxf(sqrtf(squares), 1e-12f);
  const float kk = row.kk[i] * inverse;
  row.minus_kk[i] = -kk;
  row.kk_a[i] = kk * own.a;
}

template <int S>
__global__ void __launch_bounds__(kHeadThreads<S>)
    RecurHead7(Wkv7Args args, DeviceSequences sequences, int64_t offset) {
  __shared__ Row7<S> row;
  const int head = blockIdx.x, b = blockIdx.y;
  const int i = threadIdx.x % S, first = head * S, c = first + i;
  const bool owns = threadIdx.x < S;
  float* state = sequences.states[b] + offset + int64_t{1} * head * S * S + i;
  float s[S];
  for (int j = 0; j < S; ++j) s[j] = state[j * S];
  for (int n = b == 0 ? 0 : sequences.row_end[b - 1]; n < sequences.row_end[b];
       ++n) {
    // Threads past the head do as the ones whose channel they share.
    const Channel own = PrepareRow<S>(args, n, c, i, row);
    __syncthreads();
    PrepareRemoval<S>(own, i, row);
    __syncthreads();
    float u = 0.0f, o = 0.0f;
    for (int j = 0; j < S; ++j) u = fmaf(s[j], row.minus_kk[j], u);
    for (int j = 0; j < S; ++j) {
      s[j] = fmaf(s[j], row.decay[j], fmaf(u, row.kk_a[j], own.v * row.k[j]));
      o = fmaf(s[j], row.r[j], o);
    }
    const float bonus =
        BonusOf<S>(row.r, row.k, args.r_k.data + first, row.partial);
    row.o[i] = o;
    __syncthreads();
    const float normed = NormHead<S>(row.o, args.norm_scale.data[c],
                                     args.norm_bias.data[c], i, row.partial);
    if (owns) {
      RowOf(args.y, n)[c] = fmaf(bonus, own.v, normed) * RowOf(args.g, n)[c];
    }
  }
  if (!owns) return;
  for (int j = 0; j < S; ++j) state[j * S] = s[j];
}

}  // namespace

void Wkv7OnGpu(const Wkv7Args& args, const DeviceSequences& sequences,
               int64_t offset, cudaStream_t stream) {
  const dim3 grid(args.y.width / args.head_size, sequences.count);
  ForHeadSize(args.head_size, [&](auto size) {
    constexpr int S = decltype(size)::value;
    Launch(RecurHead7<S>, grid, kHeadThreads<S>, stream, args, sequences,
           offset);
  });
}

}  // namespace oxbow
