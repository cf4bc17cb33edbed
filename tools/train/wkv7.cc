// The RWKV-7 recurrence over whole sequences, forward and backward.
//
// Per head, with S an N x N state, and r w k v a b of N channels a token:
//   u   = S a                         (a is the negated, normalised key)
//   S  <- S diag(w) + u b^T + v k^T   (w is the decay, in (0, 1))
//   y   = S r
//
// A token marked in `scratch` computes y from its updated state, and then the
// state is put back: this is the probe that reads a stream without moving it.
//
// Arrays are row-major float: r w k v a b y u and gradients [B,T,H,N]; states
// [B,H,N(key),N(value)], transposed so that all loops run along the value.
// Every kSpan-th state is saved; backward replays one span at a time from it.
// Nothing is allocated per token; one thread.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

constexpr int N = 64;
constexpr int kSpan = 16;
constexpr int kLanes = 16;
constexpr int kVectors = N / kLanes;
constexpr size_t kStateFloats = N * N;

typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));

inline Vector Load(const float* p) {
  Vector v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}

inline void Store(float* p, Vector v) { std::memcpy(p, &v, sizeof(v)); }

inline Vector Splat(float x) { return Vector{} + x; }

inline float Sum(Vector v) {
  typedef float Half __attribute__((vector_size(8 * sizeof(float))));
  typedef float Quarter __attribute__((vector_size(4 * sizeof(float))));
  const Half h = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                 __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  const Quarter q = __builtin_shufflevector(h, h, 0, 1, 2, 3) +
                    __builtin_shufflevector(h, h, 4, 5, 6, 7);
  return (q[0] + q[1]) + (q[2] + q[3]);
}

// One row of N values held in registers.
struct Row {
  Vector part[kVectors];

  static Row Of(const float* p) {
    Row row;
    for (int i = 0; i < kVectors; ++i) row.part[i] = Load(p + i * kLanes);
    return row;
  }
  static Row Zero() { return Row{}; }
  void Save(float* p) const {
    for (int i = 0; i < kVectors; ++i) Store(p + i * kLanes, part[i]);
  }
};

// after = before diag(w) + u b^T + v k^T; before and after may be the same.
inline void Advance(const float* before, float* after, const float* w,
                    const float* b, const float* k, const Row& u,
                    const Row& v) {
  for (int j = 0; j < N; ++j) {
    const Vector wj = Splat(w[j]), bj = Splat(b[j]), kj = Splat(k[j]);
    for (int i = 0; i < kVectors; ++i) {
      const size_t at = j * N + i * kLanes;
      Store(after + at,
            Load(before + at) * wj + u.part[i] * bj + v.part[i] * kj);
    }
  }
}

// The sum over keys of state[key] * x[key].
inline Row Read(const float* state, const float* x) {
  Row even = Row::Zero(), odd = Row::Zero();
  for (int j = 0; j < N; j += 2) {
    const Vector x0 = Splat(x[j]), x1 = Splat(x[j + 1]);
    for (int i = 0; i < kVectors; ++i) {
      even.part[i] += x0 * Load(state + j * N + i * kLanes);
      odd.part[i] += x1 * Load(state + (j + 1) * N + i * kLanes);
    }
  }
  for (int i = 0; i < kVectors; ++i) even.part[i] += odd.part[i];
  return even;
}

struct Inputs {
  const float *r, *w, *k, *v, *a, *b;
};

struct Gradients {
  float *r, *w, *k, *v, *a, *b;
};

// Turns the gradient G of the state after a token into the gradient of the
// state before it, adding the token's own output gradient dy, and writes the
// gradients of its six inputs. For a scratch token, G belongs to the state that
// was put back, so only what dy contributes goes through the token.
void StepBack(const float* before, const float* after, const Inputs& in,
              const float* u_at, const float* dy_at, bool scratch, size_t at,
              const Gradients& out, float* g) {
  const Row u = Row::Of(u_at), v = Row::Of(in.v + at), dy = Row::Of(dy_at);
  Row du = Row::Zero(), dv = Row::Zero();
  for (int j = 0; j < N; ++j) {
    const Vector rj = Splat(in.r[at + j]), bj = Splat(in.b[at + j]);
    const Vector kj = Splat(in.k[at + j]);
    Vector dr{}, dw{}, dk{}, db{};
    for (int i = 0; i < kVectors; ++i) {
      const size_t cell = j * N + i * kLanes;
      Vector through = dy.part[i] * rj;
      if (!scratch) {
        through += Load(g + cell);
        Store(g + cell, through);
      }
      dr += Load(after + cell) * dy.part[i];
      du.part[i] += through * bj;
      dv.part[i] += through * kj;
      db += through * u.part[i];
      dk += through * v.part[i];
      dw += through * Load(before + cell);
    }
    out.r[at + j] = Sum(dr);
    out.w[at + j] = Sum(dw);
    out.k[at + j] = Sum(dk);
    out.b[at + j] = Sum(db);
  }
  dv.Save(out.v + at);
  for (int j = 0; j < N; ++j) {
    const Vector wj = Splat(in.w[at + j]), aj = Splat(in.a[at + j]);
    const Vector wr = Splat(in.w[at + j] * in.r[at + j]);
    Vector da{};
    for (int i = 0; i < kVectors; ++i) {
      const size_t cell = j * N + i * kLanes;
      da += Load(before + cell) * du.part[i];
      const Vector kept = Load(g + cell);
      const Vector through = scratch ? kept + dy.part[i] * wr : kept * wj;
      Store(g + cell, through + du.part[i] * aj);
    }
    out.a[at + j] = Sum(da);
  }
}

}  // namespace

// state_in [B,H,N,N] may be null (zeros); scratch [B,T] may be null (none);
// saved [B,H,ceil(T/kSpan),N,N] and u may be null when backward is not wanted.
extern "C" void Wkv7Forward(int B, int T, int H, const float* r, const float* w,
                            const float* k, const float* v, const float* a,
                            const float* b, const float* state_in,
                            const uint8_t* scratch, float* y, float* u_out,
                            float* saved, float* state_out) {
  const size_t spans = (T + kSpan - 1) / kSpan;
  alignas(64) float state[kStateFloats];
  alignas(64) float probe[kStateFloats];
  for (int batch = 0; batch < B; ++batch) {
    for (int head = 0; head < H; ++head) {
      const size_t bh = static_cast<size_t>(batch) * H + head;
      std::memset(state, 0, sizeof(state));
      if (state_in) {
        std::memcpy(state, state_in + bh * kStateFloats, sizeof(state));
      }
      for (int t = 0; t < T; ++t) {
        if (saved && t % kSpan == 0) {
          std::memcpy(saved + (bh * spans + t / kSpan) * kStateFloats, state,
                      sizeof(state));
        }
        const size_t at = ((static_cast<size_t>(batch) * T + t) * H + head) * N;
        const Row u = Read(state, a + at);
        const bool is_probe =
            scratch && scratch[static_cast<size_t>(batch) * T + t];
        float* after = is_probe ? probe : state;
        Advance(state, after, w + at, b + at, k + at, u, Row::Of(v + at));
        Read(after, r + at).Save(y + at);
        if (u_out) u.Save(u_out + at);
      }
      if (state_out) {
        std::memcpy(state_out + bh * kStateFloats, state, sizeof(state));
      }
    }
  }
}

// The gradients of the six inputs, given dy. The gradient that would flow into
// the state before the first token is dropped (truncated backpropagation).
extern "C" void Wkv7Backward(int B, int T, int H, const float* r,
                             const float* w, const float* k, const float* v,
                             const float* a, const float* b, const float* u,
                             const float* saved, const uint8_t* scratch,
                             const float* dy, float* dr, float* dw, float* dk,
                             float* dv, float* da, float* db) {
  const Inputs in{r, w, k, v, a, b};
  const Gradients out{dr, dw, dk, dv, da, db};
  const int spans = (T + kSpan - 1) / kSpan;
  // The state after each token of a span.
  std::vector<float> states(kSpan * kStateFloats + kLanes);
  const auto address = reinterpret_cast<uintptr_t>(states.data());
  float* const replay =
      states.data() + ((64 - address % 64) % 64) / sizeof(float);
  alignas(64) float g[kStateFloats];
  for (int batch = 0; batch < B; ++batch) {
    for (int head = 0; head < H; ++head) {
      const size_t bh = static_cast<size_t>(batch) * H + head;
      const auto token = [&](int t) {
        return ((static_cast<size_t>(batch) * T + t) * H + head) * N;
      };
      const auto is_probe = [&](int t) {
        return scratch && scratch[static_cast<size_t>(batch) * T + t] != 0;
      };
      std::memset(g, 0, sizeof(g));
      for (int span = spans - 1; span >= 0; --span) {
        const int begin = span * kSpan;
        const int end = begin + kSpan < T ? begin + kSpan : T;
        const float* before[kSpan];
        const float* after[kSpan];
        const float* kept = saved + (bh * spans + span) * kStateFloats;
        for (int t = begin; t < end; ++t) {
          float* next = replay + (t - begin) * kStateFloats;
          const size_t at = token(t);
          Advance(kept, next, w + at, b + at, k + at, Row::Of(u + at),
                  Row::Of(v + at));
          before[t - begin] = kept;
          after[t - begin] = next;
          if (!is_probe(t)) kept = next;
        }
        for (int t = end - 1; t >= begin; --t) {
          const size_t at = token(t);
          StepBack(before[t - begin], after[t - begin], in, u + at, dy + at,
                   is_probe(t), at, out, g);
        }
      }
    }
  }
}
