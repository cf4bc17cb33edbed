// The arithmetic RWKV needs, and nothing else. A model is written once,
// against this class; every backend implements it, and ops_test.cc holds each
// to the words below.
//
//   N  rows: the tokens of every sequence in the batch, laid end to end
//   B  sequences in the batch
//   D  channels, D = H heads * S channels each
//
// Outputs come first. An output may be an input only where marked (in place).
// Calls take effect in the order issued. Wrong shapes are bugs: CHECK.
//
// Exactness: every backend gives for a row the same bits whatever the other
// rows, their number, and the number of threads. The order of a sum is part
// of the words below:
//   dot(w, x):   acc = 0; for k = 0, 1, ..: acc = fma(w[k], x[k], acc)
//                with w in blocks, x as 16-bit integers and exact sums within
//                a group of inputs: kernels/cpu/block_product.h
//   sum(x):      16 partial sums from 0, partial[i] of x[i], x[i+16], ..
//                ascending; partial[i] += partial[i+h] for h = 8, 4, 2, 1;
//                a sum of products adds by fma: partial = fma(a, b, partial)
// exp is a polynomial of our own; sigmoid and tanh are made from it; division
// and square root are IEEE's. Denormal numbers are kept.
#ifndef OXBOW_KERNELS_OPS_H_
#define OXBOW_KERNELS_OPS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "kernels/buffer.h"
#include "kernels/tensor.h"

namespace oxbow {

// How products round. A row's bits never depend on other rows, nor on how many
// there are, nor on threads.
enum class Numerics {
  // Weights as they are and fp32, the same on every machine of a backend.
  kExact,
  // The backend's fastest, of bf16 activations and more: other bits on other
  // machines, and an error that docs/numbers.md states.
  kFast,
};

// What a product does to its outputs before it stores them.
// kSilu is x * sigmoid(x).
enum class Activation { kNone, kTanh, kSigmoid, kSilu, kRelu, kReluSquared };

// y[N,M] = activation(x[N,K] * transpose(w[M,K])), each output one dot(w, x)
// with plain w made fp32 first;
// with `add`, y[N,M] += that (in place).
struct Product {
  Rows y;
  Rows x;
  Matrix w;
  Activation activation = Activation::kNone;
  bool add = false;
};

// Which rows belong together: sequence b has the rows row_end[b-1] ..
// row_end[b]-1 (at least one) and remembers its past at states[b].
struct Sequences {
  absl::Span<const int> row_end;    // [B]
  absl::Span<float* const> states;  // [B]
};

// One lerp of ShiftMix.
struct Mix {
  Rows y;
  Vector amount;  // [D]
  Rows more;      // [N,D] adds to the amount of each row; none if empty
};

// The head sizes there are kernels for.
inline bool IsHeadSize(int size) {
  return size == 8 || size == 16 || size == 32 || size == 64 || size == 128;
}

// The weights and rows of Wkv4.
struct Wkv4Args {
  Rows y;        // [N,D] out
  Rows r, k, v;  // [N,D]; r between 0 and 1
  Vector w, u;   // [D] log-decay, at most 0, and bonus
};

// The weights and rows of Wkv6.
struct Wkv6Args {
  Rows y;                        // [N,D] out
  Rows r, k, v;                  // [N,D]
  Rows w;                        // [N,D] RWKV-6; empty in RWKV-5
  Rows g;                        // [N,D] gate; empty if there is none
  Vector w0;                     // [D] RWKV-6
  Vector decay;                  // [D] RWKV-5
  Vector u;                      // [D] bonus
  Vector norm_scale, norm_bias;  // [D]
  int head_size = 0;             // see IsHeadSize
};

// The weights and rows of Wkv7.
struct Wkv7Args {
  Rows y;                        // [N,D] out
  Rows r, k, v, w, a, g;         // [N,D]
  Rows v_first, v_gate;          // [N,D] read only if `leans`
  Vector w0, a0, v0;             // [D]; v0 only if `leans`
  Vector k_k, k_a, r_k;          // [D]
  Vector norm_scale, norm_bias;  // [D]
  int head_size = 0;             // see IsHeadSize
  bool leans = false;            // every layer but the first
};

// Thread-compatible: one thread owns it. It uses threads of its own inside a
// call.
class Ops {
 public:
  virtual ~Ops() = default;

  // Names backend and rounding; bumped only when rounding changes.
  virtual std::string numerics_id() const = 0;

  // Memory. ResourceExhausted when there is not enough.

  // `count` zeros.
  virtual absl::StatusOr<Buffer> Allocate(int64_t count) = 0;
  virtual void Copy(float* to, const float* from, int64_t count) = 0;
  // From host memory, and to it.
  virtual void Write(float* to, absl::Span<const float> from) = 0;
  virtual void Read(absl::Span<float> to, const float* from) const = 0;

  // Weights live until the Ops goes.

  virtual absl::StatusOr<Vector> PackVector(absl::Span<const float> from) = 0;
  virtual absl::StatusOr<Table> PackTable(const HostMatrix& from) = 0;
  // The matrix `from`[M,K], or with `transposed` the transpose of `from`[K,M],
  // which is not in blocks then.
  virtual absl::StatusOr<Matrix> Pack(const HostMatrix& from,
                                      bool transposed) = 0;

  // Arithmetic.

  // x[n] = table[tokens[n]].
  virtual void Gather(Rows x, const Table& table,
                      absl::Span<const int> tokens) = 0;

  // LayerNorm (in place allowed), with sums over the row:
  //   mean = sum(x) / D;  d = x - mean;  var = sum(d * d) / D
  //   y = fma(d * (1 / sqrt(var + eps)), scale, bias)
  virtual void Norm(Rows y, Rows x, Vector scale, Vector bias, float eps) = 0;

  // prev[n] = x[n-1] within a sequence, states[b][offset..] for its first row:
  //   mixes[i].y = fma(prev - x, mixes[i].amount + mixes[i].more, x)
  // Then states[b][offset..] = the sequence's last row of x.
  virtual void ShiftMix(absl::Span<const Mix> mixes, Rows x,
                        const Sequences& sequences, int64_t offset) = 0;
  // The same, but the states stay as they are.
  virtual void PeekMix(absl::Span<const Mix> mixes, Rows x,
                       const Sequences& sequences, int64_t offset) = 0;

  // x[N,D] = fma(gate[N,D], y[N,D], x) (in place).
  virtual void AddGated(Rows x, Rows gate, Rows y) = 0;

  // The products, which do not depend on each other.
  virtual void Multiply(absl::Span<const Product> products) = 0;

  // RWKV-4's recurrence, each channel by itself, row after row. The state is
  // aa[D], bb[D], pp[D] = states[b][offset ..] (in place): numerator and
  // denominator of a weighted mean of v, both divided by exp(pp).
  //   q = max(pp, u + k);  past = exp(pp - q);  now = exp((u + k) - q)
  //   y = r * (fma(past, aa, now * v) / fma(past, bb, now))
  //   q = max(pp + w, k);  past = exp((pp + w) - q);  now = exp(k - q)
  //   aa = fma(past, aa, now * v);  bb = fma(past, bb, now);  pp = q
  virtual void Wkv4(const Wkv4Args& args, const Sequences& sequences,
                    int64_t offset) = 0;

  // What the time mixing of RWKV-5 and RWKV-6 does inside one head, row after
  // row. All of [S] but the state s[S,S] = states[b][offset + head*S*S ..] (in
  // place), s[j][i] for key channel j and value channel i; sums over the head:
  //   if w is not empty: decay = exp(-exp(w0 + w))
  //   o[i] = dot(s[.][i], r)                      with the old s
  //   o = fma(sum(r * k * u), v, o)
  //   s[j][i] = fma(s[j][i], decay[j], v[i] * k[j])
  //   y = Norm(o, norm_scale, norm_bias, eps = 64e-5), times g if not empty
  virtual void Wkv6(const Wkv6Args& args, const Sequences& sequences,
                    int64_t offset) = 0;

  // What RWKV-7's time mixing does inside one head, row after row. All of
  // [S] but the state s[S,S] = states[b][offset + head*S*S ..] (in place),
  // s[j][i] for key channel j and value channel i; sums over the head:
  //   if leans: v = fma(v_first - v, sigmoid(v0 + v_gate), v)
  //   decay = exp(-exp(-0.5) * sigmoid(w0 + w));  a = sigmoid(a0 + a)
  //   kk = k * k_k;  kk = kk * (1 / max(sqrt(sum(kk * kk)), 1e-12))
  //   k = k * fma(a - 1, k_a, 1)
  //   u[i] = dot(s[.][i], -kk)
  //   s[j][i] = fma(s[j][i], decay[j], fma(u[i], kk[j] * a[j], v[i] * k[j]))
  //   o[i] = dot(s[.][i], r)                      with the new s
  //   o = Norm(o, norm_scale, norm_bias, eps = 64e-5)
  //   y = fma(sum(r * k * r_k), v, o) * g
  virtual void Wkv7(const Wkv7Args& args, const Sequences& sequences,
                    int64_t offset) = 0;
};

}  // namespace oxbow

#endif  // OXBOW_KERNELS_OPS_H_
