// Token shift and interpolation, forward and backward, fused over M mixes.
//
//   y[m,b,t] = x[b,t] + (p - x[b,t]) * mix[m]
//
// p is the row of the last token that was kept before t: x[b,t-1], unless t-1
// is marked in `scratch` (a probe, which later tokens must not see), or
// first[b] (zeros when null) at the start. x [B,T,C], mix [M,C], y [M,B,T,C].

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

// One row's share of the backward pass. No two pointers overlap, which the
// compiler must know to use vectors.
void AddRow(int C, const float* __restrict dy, const float* __restrict mix,
            const float* __restrict now, const float* __restrict before,
            float* __restrict own, float* __restrict passed,
            float* __restrict dmix) {
  for (int c = 0; c < C; ++c) {
    const float shifted = dy[c] * mix[c];
    own[c] += dy[c] - shifted;
    passed[c] += shifted;
    dmix[c] += dy[c] * (before[c] - now[c]);
  }
}

}  // namespace

extern "C" void TokenShiftForward(int B, int T, int C, int M, const float* x,
                                  const float* mix, const float* first,
                                  const uint8_t* scratch, float* y) {
  const std::vector<float> zeros(C, 0.0f);
  const size_t plane = static_cast<size_t>(B) * T * C;
  for (int b = 0; b < B; ++b) {
    const float* previous =
        first ? first + static_cast<size_t>(b) * C : zeros.data();
    for (int t = 0; t < T; ++t) {
      const size_t row = static_cast<size_t>(b) * T + t;
      const float* now = x + row * C;
      for (int m = 0; m < M; ++m) {
        const float* amount = mix + static_cast<size_t>(m) * C;
        float* out = y + m * plane + row * C;
        for (int c = 0; c < C; ++c) {
          out[c] = now[c] + (previous[c] - now[c]) * amount[c];
        }
      }
      if (!scratch || !scratch[row]) previous = now;
    }
  }
}

// dx [B,T,C] and dmix [M,C], given the M gradients dy[m] [B,T,C]. The gradient
// of `first` is dropped (truncated backpropagation).
extern "C" void TokenShiftBackward(int B, int T, int C, int M, const float* x,
                                   const float* mix, const float* first,
                                   const uint8_t* scratch,
                                   const float* const* dy, float* dx,
                                   float* dmix) {
  const std::vector<float> zeros(C, 0.0f);
  std::vector<const float*> previous(T);
  std::vector<float> owed(C);    // to the last kept row, by the rows after it
  std::vector<float> passed(C);  // to the row before, by this row
  std::memset(dmix, 0, sizeof(float) * M * C);
  for (int b = 0; b < B; ++b) {
    const size_t row0 = static_cast<size_t>(b) * T;
    const float* kept =
        first ? first + static_cast<size_t>(b) * C : zeros.data();
    for (int t = 0; t < T; ++t) {
      previous[t] = kept;
      if (!scratch || !scratch[row0 + t]) kept = x + (row0 + t) * C;
    }
    owed.assign(C, 0.0f);
    for (int t = T - 1; t >= 0; --t) {
      const float* now = x + (row0 + t) * C;
      const float* before = previous[t];
      float* own = dx + (row0 + t) * C;
      const bool is_probe = scratch && scratch[row0 + t];
      for (int c = 0; c < C; ++c) {
        own[c] = is_probe ? 0.0f : owed[c];
        passed[c] = is_probe ? owed[c] : 0.0f;
      }
      for (int m = 0; m < M; ++m) {
        const size_t column = static_cast<size_t>(m) * C;
        AddRow(C, dy[m] + (row0 + t) * C, mix + column, now, before, own,
               passed.data(), dmix + column);
      }
      owed.swap(passed);
    }
  }
}
