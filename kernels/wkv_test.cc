// The three recurrences against the words of ops.h, in double precision, and
// bit for bit against themselves: any threads, any split, any instruction set.
#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/ops.h"
#include "kernels/testing/ops_fixture.h"
#include "kernels/testing/random_floats.h"

namespace oxbow {
namespace {

using Doubles = std::vector<double>;

long double LongExp(double x) { return std::exp(static_cast<long double>(x)); }

// Random arguments for one of the ops, and what the equations make of them.
class WkvCase {
 public:
  WkvCase(int rows, int width, int inputs, int weights) : rows(rows) {
    width_ = width;
    for (int i = 0; i < inputs; ++i) {
      in.push_back(RandomFloats(rows * width, 10 + i));
    }
    for (int i = 0; i < weights; ++i) {
      weights_.push_back(RandomFloats(width, 30 + i));
    }
  }
  virtual ~WkvCase() = default;

  // y [rows * width] and the state after all rows.
  virtual std::pair<Doubles, Doubles> Want() const = 0;
  // Runs rows [begin, end) of `in` with a state at offset 3.
  virtual void Run(Ops& ops, std::vector<OwnedRows>& in, Rows y, int begin,
                   const Sequences& sequences) const = 0;

  double In(int i, int n, int c) const { return in[i][n * width_ + c]; }
  double Weight(int i, int c) const { return weights_[i][c]; }

  int width() const { return width_; }

  const int rows;
  std::vector<Numbers> in;
  Numbers state;
  // Of the state; y may be off by ten times that, for it is normed.
  double tolerance = 2e-6;

 protected:
  Vector Pack(Ops& ops, int weight) const {
    return *ops.PackVector(weights_[weight]);
  }

  int width_;
  std::vector<Numbers> weights_;
};

// Part of the rows, as many as y has.
Rows Part(OwnedRows& rows, int begin, Rows y) {
  const Rows all = rows;
  return Rows{all.row(begin), y.count, all.width, all.pitch};
}

class Wkv4Case : public WkvCase {
 public:
  enum { kR, kK, kV };
  enum { kW, kU };

  Wkv4Case(int rows, int width, float spread) : WkvCase(rows, width, 3, 2) {
    in[kK] = RandomFloats(rows * width, 8, 0.0f, spread);
    weights_[kW] = RandomFloats(width, 9, -2.0f, 2.0f);
    state.assign(3 * width, 0.0f);
    std::fill(state.begin() + 2 * width, state.end(), -1e30f);
  }

  // By the definition, without any exp(pp) taken out.
  std::pair<Doubles, Doubles> Want() const override {
    Doubles y(rows * width_), end(3 * width_);
    for (int c = 0; c < width_; ++c) {
      long double above = 0, below = 0;
      for (int n = 0; n < rows; ++n) {
        const long double now = LongExp(In(kK, n, c));
        const long double lead = now * LongExp(Weight(kU, c));
        y[n * width_ + c] =
            In(kR, n, c) * (above + lead * In(kV, n, c)) / (below + lead);
        const long double decay = LongExp(Weight(kW, c));
        above = above * decay + now * In(kV, n, c);
        below = below * decay + now;
      }
      // pp is a bound of its own: the largest decayed k.
      double pp = In(kK, 0, c);
      for (int n = 1; n < rows; ++n) {
        pp = std::max(pp + Weight(kW, c), In(kK, n, c));
      }
      end[c] = above / LongExp(pp);
      end[width_ + c] = below / LongExp(pp);
      end[2 * width_ + c] = pp;
    }
    return {y, end};
  }

  void Run(Ops& ops, std::vector<OwnedRows>& in, Rows y, int begin,
           const Sequences& sequences) const override {
    Wkv4Args args;
    args.y = y;
    args.r = Part(in[kR], begin, y);
    args.k = Part(in[kK], begin, y);
    args.v = Part(in[kV], begin, y);
    args.w = Pack(ops, kW);
    args.u = Pack(ops, kU);
    ops.Wkv4(args, sequences, 3);
  }
};

// RWKV-5 to RWKV-7: heads with a matrix [key][value] each.
class HeadCase : public WkvCase {
 public:
  HeadCase(int rows, int heads, int size, int inputs, int weights)
      : WkvCase(rows, heads * size, inputs, weights), heads_(heads) {
    size_ = size;
    state = RandomFloats(heads * size * size, 50, 0.0f, 0.3f);
  }

  std::pair<Doubles, Doubles> Want() const override {
    Doubles y(rows * width_), end;
    for (int h = 0; h < heads_; ++h) {
      const auto first = state.begin() + h * size_ * size_;
      Doubles s(first, first + size_ * size_);
      for (int n = 0; n < rows; ++n) {
        Row(n, h * size_, &s, &y[n * width_ + h * size_]);
      }
      end.insert(end.end(), s.begin(), s.end());
    }
    return {y, end};
  }

 protected:
  // One row of the head whose first channel is given.
  virtual void Row(int n, int first, Doubles* s, double* y) const = 0;

  static Doubles Normed(const Doubles& o) {
    double mean = 0, var = 0;
    for (double x : o) mean += x / o.size();
    for (double x : o) var += (x - mean) * (x - mean) / o.size();
    Doubles normed;
    for (double x : o) normed.push_back((x - mean) / std::sqrt(var + 64e-5));
    return normed;
  }

  int heads_, size_;
};

class Wkv6Case : public HeadCase {
 public:
  enum { kR, kK, kV, kW, kG };
  enum { kW0, kDecay, kU, kScale, kBias };

  // RWKV-5 has a `steady` decay; 5.0 is not `gated`.
  Wkv6Case(int rows, int heads, int size, bool steady, bool gated)
      : HeadCase(rows, heads, size, 5, 5), steady_(steady), gated_(gated) {
    weights_[kW0] = RandomFloats(width_, 99, -2.0f, 3.0f);
    weights_[kDecay] = RandomFloats(width_, 98, 0.5f, 0.5f);
  }

  void Row(int n, int first, Doubles* s, double* y) const override {
    Doubles o(size_);
    for (int j = 0; j < size_; ++j) {
      const int c = first + j;
      const double decay =
          steady_ ? Weight(kDecay, c)
                  : std::exp(-std::exp(Weight(kW0, c) + In(kW, n, c)));
      for (int i = 0; i < size_; ++i) {
        double& cell = (*s)[j * size_ + i];
        const double kv = In(kK, n, c) * In(kV, n, first + i);
        o[i] += In(kR, n, c) * (Weight(kU, c) * kv + cell);
        cell = cell * decay + kv;
      }
    }
    const Doubles normed = Normed(o);
    for (int i = 0; i < size_; ++i) {
      y[i] = normed[i] * Weight(kScale, first + i) + Weight(kBias, first + i);
      if (gated_) y[i] *= In(kG, n, first + i);
    }
  }

  void Run(Ops& ops, std::vector<OwnedRows>& in, Rows y, int begin,
           const Sequences& sequences) const override {
    Wkv6Args args;
    args.y = y;
    args.r = Part(in[kR], begin, y);
    args.k = Part(in[kK], begin, y);
    args.v = Part(in[kV], begin, y);
    if (!steady_) args.w = Part(in[kW], begin, y);
    if (gated_) args.g = Part(in[kG], begin, y);
    if (!steady_) args.w0 = Pack(ops, kW0);
    if (steady_) args.decay = Pack(ops, kDecay);
    args.u = Pack(ops, kU);
    args.norm_scale = Pack(ops, kScale);
    args.norm_bias = Pack(ops, kBias);
    args.head_size = size_;
    ops.Wkv6(args, sequences, 3);
  }

 private:
  const bool steady_, gated_;
};

class Wkv7Case : public HeadCase {
 public:
  enum { kR, kK, kV, kW, kA, kG, kVFirst, kVGate };
  enum { kW0, kA0, kV0, kKK, kKA, kRK, kScale, kBias };

  Wkv7Case(int rows, int heads, int size, bool leans)
      : HeadCase(rows, heads, size, 8, 8), leans_(leans) {
    weights_[kW0] = RandomFloats(width_, 99, -3.0f, 4.0f);
  }

  void Row(int n, int first, Doubles* s, double* y) const override {
    const int size = size_;
    Doubles v(size), k(size), kk(size), a(size), decay(size), o(size);
    double norm = 0, bonus = 0;
    for (int i = 0; i < size; ++i) {
      const int c = first + i;
      v[i] = In(kV, n, c);
      if (leans_) {
        v[i] += (In(kVFirst, n, c) - v[i]) *
                SigmoidOf(Weight(kV0, c) + In(kVGate, n, c));
      }
      a[i] = SigmoidOf(Weight(kA0, c) + In(kA, n, c));
      decay[i] =
          std::exp(-std::exp(-0.5) * SigmoidOf(Weight(kW0, c) + In(kW, n, c)));
      kk[i] = In(kK, n, c) * Weight(kKK, c);
      norm += kk[i] * kk[i];
      k[i] = In(kK, n, c) * (1 + (a[i] - 1) * Weight(kKA, c));
      bonus += In(kR, n, c) * k[i] * Weight(kRK, c);
    }
    for (double& x : kk) x /= std::max(std::sqrt(norm), 1e-12);
    for (int i = 0; i < size; ++i) {
      double u = 0;
      for (int j = 0; j < size; ++j) u -= (*s)[j * size + i] * kk[j];
      for (int j = 0; j < size; ++j) {
        double& cell = (*s)[j * size + i];
        cell = cell * decay[j] + u * kk[j] * a[j] + v[i] * k[j];
        o[i] += cell * In(kR, n, first + j);
      }
    }
    const Doubles normed = Normed(o);
    for (int i = 0; i < size; ++i) {
      const int c = first + i;
      y[i] = (normed[i] * Weight(kScale, c) + Weight(kBias, c) + bonus * v[i]) *
             In(kG, n, c);
    }
  }

  void Run(Ops& ops, std::vector<OwnedRows>& in, Rows y, int begin,
           const Sequences& sequences) const override {
    Wkv7Args args;
    args.y = y;
    args.r = Part(in[kR], begin, y), args.k = Part(in[kK], begin, y);
    args.v = Part(in[kV], begin, y), args.w = Part(in[kW], begin, y);
    args.a = Part(in[kA], begin, y), args.g = Part(in[kG], begin, y);
    args.v_first = Part(in[kVFirst], begin, y);
    args.v_gate = Part(in[kVGate], begin, y);
    args.w0 = Pack(ops, kW0), args.a0 = Pack(ops, kA0);
    args.v0 = Pack(ops, kV0), args.k_k = Pack(ops, kKK);
    args.k_a = Pack(ops, kKA), args.r_k = Pack(ops, kRK);
    args.norm_scale = Pack(ops, kScale), args.norm_bias = Pack(ops, kBias);
    args.head_size = size_;
    args.leans = leans_;
    ops.Wkv7(args, sequences, 3);
  }

 private:
  const bool leans_;
};

using Cases = std::vector<std::unique_ptr<WkvCase>>;

Cases MakeCases(int rows) {
  Cases cases;
  for (int width : {8, 40, 64, 200}) {
    cases.push_back(std::make_unique<Wkv4Case>(rows, width, 2.0f));
  }
  // Far beyond what exp() of fp32 could hold.
  cases.push_back(std::make_unique<Wkv4Case>(rows, 32, 300.0f));
  cases.back()->tolerance = 5e-4;
  for (int size : {8, 16, 32, 64, 128}) {
    for (bool yes : {false, true}) {
      cases.push_back(std::make_unique<Wkv6Case>(rows, 3, size, yes, yes));
      cases.push_back(std::make_unique<Wkv6Case>(rows, 3, size, yes, !yes));
      cases.push_back(std::make_unique<Wkv7Case>(rows, 3, size, yes));
    }
  }
  return cases;
}

class WkvTest : public OpsTest {
 protected:
  // Runs the case in steps that end at the given rows; y and state after it.
  std::pair<Numbers, Numbers> Run(const WkvCase& c, std::vector<int> ends) {
    std::vector<OwnedRows> in;
    for (const Numbers& numbers : c.in) {
      in.emplace_back(*ops_, c.rows, c.width(), numbers);
    }
    OwnedRows y(*ops_, c.rows, c.width());
    Numbers before(3);
    before.insert(before.end(), c.state.begin(), c.state.end());
    const OwnedNumbers state(*ops_, before);
    int begin = 0;
    for (int end : ends) {
      const Rows all = y;
      const Rows part{all.row(begin), end - begin, all.width, all.pitch};
      const std::vector<int> row_end = {end - begin};
      const std::vector<float*> states = {state.data()};
      c.Run(*ops_, in, part, begin, {row_end, states});
      begin = end;
    }
    const Numbers after = state.Get();
    return {y.Get(), Numbers(after.begin() + 3, after.end())};
  }
};

TEST_P(WkvTest, FollowsTheEquations) {
  int number = 0;
  for (const auto& c : MakeCases(21)) {
    SCOPED_TRACE(number++);
    const auto [y, state] = Run(*c, {21});
    const auto [want_y, want_state] = c->Want();
    ExpectNear(state, want_state, c->tolerance);
    ExpectNear(y, want_y, 10 * c->tolerance);
  }
}

TEST_P(WkvTest, DoesNotDependOnHowRowsAreCut) {
  std::vector<int> one_by_one;
  for (int n = 1; n <= 37; ++n) one_by_one.push_back(n);
  int number = 0;
  for (const auto& c : MakeCases(37)) {
    SCOPED_TRACE(number++);
    const auto whole = Run(*c, {37});
    EXPECT_EQ(Run(*c, {1, 2, 3, 11, 12, 30, 37}), whole);
    EXPECT_EQ(Run(*c, one_by_one), whole);
  }
}

TEST_P(WkvTest, IsTheSameOnEveryBackend) {
  int number = 0;
  for (const auto& c : MakeCases(10)) {
    SCOPED_TRACE(number++);
    const auto here = Run(*c, {10});
    for (const std::string& name : BackendNames()) {
      backend_.reset();
      backend_ = NewBackend(name);
      if (backend_ == nullptr) continue;
      ops_ = &backend_->ops();
      EXPECT_EQ(Run(*c, {10}), here) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, WkvTest, testing::ValuesIn(BackendNames()),
                         BackendName);

}  // namespace
}  // namespace oxbow
