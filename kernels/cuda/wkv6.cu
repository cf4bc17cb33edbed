#include "kernels/cuda/heads.h"
#include "kernels/cuda/wkv.h"

namespace oxbow {
namespace {

// What the threads of a head tell each other of one row.
template <int S>
struct Row6 {
  Shared<S> r, k, decay, o;
  float partial[16];
};

template <int S>
__device__ inline float DecayOf(const Wkv6Args& args, int n, int c) {
  if (args.w.data == nullptr) return args.decay.data[c];
  return Exp(-Exp(args.w0.data[c] + RowOf(args.w, n)[c]));
}

template <int S>
__global__ void __launch_bounds__(kHeadThreads<S>)
    RecurHead6(Wkv6Args args, DeviceSequences sequences, int64_t offset) {
  __shared__ Row6<S> row;
  const int head = blockIdx.x, b = blockIdx.y;
  const int i = threadIdx.x % S, first = head * S, c = first + i;
  const bool owns = threadIdx.x < S;
  float* state = sequences.states[b] + offset + int64_t{1} * head * S * S + i;
  float s[S];
  for (int j = 0; j < S; ++j) s[j] = state[j * S];
  for (int n = b == 0 ? 0 : sequences.row_end[b - 1]; n < sequences.row_end[b];
       ++n) {
    const float v = RowOf(args.v, n)[c];
    if (owns) {
      row.r[i] = RowOf(args.r, n)[c];
      row.k[i] = RowOf(args.k, n)[c];
      row.decay[i] = DecayOf<S>(args, n, c);
    }
    __syncthreads();
    float o = 0.0f;
    for (int j = 0; j < S; ++j) {
      o = fmaf(s[j], row.r[j], o);
      s[j] = fmaf(s[j], row.decay[j], v * row.k[j]);
    }
    const float bonus =
        BonusOf<S>(row.r, row.k, args.u.data + first, row.partial);
    if (owns) row.o[i] = fmaf(bonus, v, o);
    __syncthreads();
    float y = NormHead<S>(row.o, args.norm_scale.data[c],
                          args.norm_bias.data[c], i, row.partial);
    if (args.g.data != nullptr) y = y * RowOf(args.g, n)[c];
    if (owns) RowOf(args.y, n)[c] = y;
  }
  if (!owns) return;
  for (int j = 0; j < S; ++j) state[j * S] = s[j];
}

}  // namespace

void Wkv6OnGpu(const Wkv6Args& args, const DeviceSequences& sequences,
               int64_t offset, cudaStream_t stream) {
  const dim3 grid(args.y.width / args.head_size, sequences.count);
  ForHeadSize(args.head_size, [&](auto size) {
    constexpr int S = decltype(size)::value;
    Launch(RecurHead6<S>, grid, kHeadThreads<S>, stream, args, sequences,
           offset);
  });
}

}  // namespace oxbow
