// Every op of every backend against the words of ops.h, in double precision,
// and bit for bit against itself: any threads, any split, any instruction set.
#include "kernels/ops.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/testing/cpu_target.h"
#include "kernels/testing/random_floats.h"

namespace oxbow {
namespace {

using Numbers = std::vector<float>;

// Rows of their own, with a pitch wider than they are.
struct OwnedRows {
  OwnedRows(int count, int width, Numbers from = {})
      : numbers(count * (width + 5), -7.0f), width(width), count(count) {
    for (size_t i = 0; i < from.size(); ++i) {
      numbers[i / width * (width + 5) + i % width] = from[i];
    }
  }
  operator Rows() { return Rows{numbers.data(), count, width, width + 5}; }
  Numbers Get() const {
    Numbers got;
    for (int n = 0; n < count; ++n) {
      const auto row = numbers.begin() + n * (width + 5);
      got.insert(got.end(), row, row + width);
      for (int pad = 0; pad < 5; ++pad) EXPECT_EQ(row[width + pad], -7.0f);
    }
    return got;
  }

  Numbers numbers;
  int width, count;
};

void ExpectNear(const Numbers& got, const std::vector<double>& want,
                double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], want[i], tolerance) << i;
  }
}

double SigmoidOf(double x) { return 1 / (1 + std::exp(-x)); }

using Param = std::tuple<int, CpuTarget>;  // threads

class OpsTest : public testing::TestWithParam<Param> {
 protected:
  void SetUp() override {
    if (!HasCpuTarget(std::get<1>(GetParam()))) {
      GTEST_SKIP() << "this CPU lacks " << std::get<1>(GetParam());
    }
    target_ = std::make_unique<ScopedCpuTarget>(std::get<1>(GetParam()));
    ops_ = *CpuOps::Create(std::get<0>(GetParam()));
  }

  Vector Pack(const Numbers& numbers) { return *ops_->PackVector(numbers); }
  Matrix PackMatrix(const Numbers& numbers, int outputs, int inputs) {
    return *ops_->Pack({numbers.data(), DType::kF32, outputs, inputs}, false);
  }

  std::unique_ptr<ScopedCpuTarget> target_;
  std::unique_ptr<Ops> ops_;
};

TEST_P(OpsTest, MemoryStartsAtZeroAndKeepsWhatIsWritten) {
  Buffer buffer = *ops_->Allocate(1000);
  Numbers read(1000, 5.0f);
  ops_->Read(absl::MakeSpan(read), buffer.data());
  EXPECT_EQ(read, Numbers(1000, 0.0f));
  const Numbers numbers = RandomFloats(1000, 1);
  ops_->Write(buffer.data(), numbers);
  Buffer other = *ops_->Allocate(1000);
  ops_->Copy(other.data(), buffer.data(), 1000);
  ops_->Zero(buffer.data(), 10);
  ops_->Read(absl::MakeSpan(read), other.data());
  EXPECT_EQ(read, numbers);
  ops_->Read(absl::MakeSpan(read), buffer.data());
  EXPECT_EQ(read[9], 0.0f);
  EXPECT_EQ(read[10], numbers[10]);
}

TEST_P(OpsTest, TooMuchMemoryIsAStatus) {
  // A matrix that is never read, for it is refused by its size.
  const auto table = ops_->PackTable({nullptr, DType::kF32, 1 << 30, 1 << 30});
  EXPECT_EQ(table.status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_P(OpsTest, GatherWidensRows) {
  const std::vector<uint16_t> bf16 = {0x3f80, 0xc000, 0x3e80,
                                      0x0001, 0x7f7f, 0x8000};  // 3 rows of 2
  const Table table = *ops_->PackTable({bf16.data(), DType::kBF16, 3, 2});
  OwnedRows x(4, 2);
  ops_->Gather(x, table, {2, 0, 1, 2});
  const Numbers got = x.Get();
  EXPECT_EQ(got[2], 1.0f);
  EXPECT_EQ(got[3], -2.0f);
  EXPECT_EQ(got[4], 0.25f);
  EXPECT_EQ(got[5], 9.183549615799121e-41f) << "a denormal number";
  EXPECT_EQ(got[0], 3.3895313892515355e38f);

  // fp16, wider than a register and not by whole registers.
  std::vector<uint16_t> fp16(21);
  for (int i = 0; i < 21; ++i) fp16[i] = 0x3c00 + i;  // 1 + i / 1024
  const Table halves = *ops_->PackTable({fp16.data(), DType::kF16, 1, 21});
  OwnedRows y(1, 21);
  ops_->Gather(y, halves, {0});
  for (int i = 0; i < 21; ++i) EXPECT_EQ(y.Get()[i], 1.0f + i / 1024.0f);
}

TEST_P(OpsTest, NormFollowsItsFormula) {
  for (int width : {8, 16, 40, 64, 100, 768}) {
    const Numbers x = RandomFloats(19 * width, width, 3.0f, 2.0f);
    const Numbers scale = RandomFloats(width, 1, 1.0f),
                  bias = RandomFloats(width, 2);
    std::vector<double> want;
    for (int n = 0; n < 19; ++n) {
      const float* row = &x[n * width];
      double mean = 0, var = 0;
      for (int c = 0; c < width; ++c) mean += row[c] / double(width);
      for (int c = 0; c < width; ++c) {
        var += (row[c] - mean) * (row[c] - mean) / width;
      }
      for (int c = 0; c < width; ++c) {
        want.push_back((row[c] - mean) / std::sqrt(var + 1e-5) * scale[c] +
                       bias[c]);
      }
    }
    OwnedRows y(19, width), in(19, width, x);
    ops_->Norm(y, in, Pack(scale), Pack(bias), 1e-5f);
    // The mean of numbers near 3 is off by some 3 * 2^-24.
    ExpectNear(y.Get(), want, 3e-6);
    ops_->Norm(in, in, Pack(scale), Pack(bias), 1e-5f);
    EXPECT_EQ(in.Get(), y.Get()) << "in place";
  }
}

TEST_P(OpsTest, ShiftMixLooksBackWithinASequence) {
  const int width = 24;
  const Numbers x = RandomFloats(20 * width, 3);
  const Numbers past = RandomFloats(2 * width, 4);
  const Numbers amount = RandomFloats(width, 5), other = RandomFloats(width, 6);
  // States that hold the row at an offset of 10.
  Numbers state_a(10 + width), state_b(10 + width);
  std::copy_n(past.begin(), width, state_a.begin() + 10);
  std::copy_n(past.begin() + width, width, state_b.begin() + 10);
  const std::vector<int> row_end = {17, 20};
  const std::vector<float*> states = {state_a.data(), state_b.data()};

  OwnedRows in(20, width, x), y(20, width), z(20, width);
  ops_->ShiftMix({{y, Pack(amount)}, {z, Pack(other)}}, in, {row_end, states},
                 10);
  std::vector<double> want_y, want_z;
  for (int n = 0; n < 20; ++n) {
    for (int c = 0; c < width; ++c) {
      const float prev = n == 0    ? past[c]
                         : n == 17 ? past[width + c]
                                   : x[(n - 1) * width + c];
      const float here = x[n * width + c];
      want_y.push_back(here + (prev - here) * double(amount[c]));
      want_z.push_back(here + (prev - here) * double(other[c]));
    }
  }
  ExpectNear(y.Get(), want_y, 5e-7);
  ExpectNear(z.Get(), want_z, 5e-7);
  for (int c = 0; c < width; ++c) {
    EXPECT_EQ(state_a[10 + c], x[16 * width + c]);
    EXPECT_EQ(state_b[10 + c], x[19 * width + c]);
  }
  EXPECT_EQ(state_a[9], 0.0f);
}

TEST_P(OpsTest, MultiplyDoesAllProductsOfAList) {
  const int rows = 100, inputs = 30;
  const Numbers x = RandomFloats(rows * inputs, 1),
                u = RandomFloats(rows * 7, 2);
  const Numbers w1 = RandomFloats(70 * inputs, 3), w2 = RandomFloats(9 * 7, 4);
  OwnedRows in(rows, inputs, x), in2(rows, 7, u), y1(rows, 70),
      y2(rows, 9, Numbers(rows * 9, 100.0f));
  ops_->Multiply(
      {{y1, in, PackMatrix(w1, 70, inputs)},
       {y2, in2, PackMatrix(w2, 9, 7), Activation::kNone, /*add=*/true}});
  std::vector<double> want1, want2;
  for (int n = 0; n < rows; ++n) {
    for (int o = 0; o < 70; ++o) {
      double sum = 0;
      for (int k = 0; k < inputs; ++k) {
        sum += double(w1[o * inputs + k]) * x[n * inputs + k];
      }
      want1.push_back(sum);
    }
    for (int o = 0; o < 9; ++o) {
      double sum = 100;
      for (int k = 0; k < 7; ++k) sum += double(w2[o * 7 + k]) * u[n * 7 + k];
      want2.push_back(sum);
    }
  }
  ExpectNear(y1.Get(), want1, 30 * 6e-8 * 8);
  ExpectNear(y2.Get(), want2, 1e-5);
}

// Activations through a product by one: x from -100 to 100 and beyond.
TEST_P(OpsTest, ActivationsFollowTheirFormulas) {
  Numbers x;
  for (int i = -4000; i <= 4000; ++i) x.push_back(i * 0.025f);
  for (float far : {-1e15f, -90.0f, 88.5f, 200.0f, 1e15f}) x.push_back(far);
  const int rows = static_cast<int>(x.size());
  const Matrix one = PackMatrix({1.0f}, 1, 1);
  const struct {
    Activation activation;
    double (*formula)(double);
    double tolerance;
  } kinds[] = {
      {Activation::kNone, [](double v) { return v; }, 0},
      {Activation::kTanh, [](double v) { return std::tanh(v); }, 2e-7},
      {Activation::kSigmoid, SigmoidOf, 2e-7},
      {Activation::kRelu, [](double v) { return std::max(v, 0.0); }, 0},
      {Activation::kReluSquared,
       [](double v) {
         return double(static_cast<float>(std::max(v, 0.0) * std::max(v, 0.0)));
       },
       0}};
  for (const auto& kind : kinds) {
    OwnedRows in(rows, 1, x), y(rows, 1);
    ops_->Multiply({{y, in, one, kind.activation}});
    std::vector<double> want;
    for (float v : x) want.push_back(kind.formula(v));
    ExpectNear(y.Get(), want, kind.tolerance);
  }
}

// Arguments for HeadMix7, and what the equations make of them.
struct HeadMixCase {
  HeadMixCase(int rows, int heads, int size, bool leans)
      : rows(rows), heads(heads), size(size), leans(leans) {
    const int width = heads * size;
    for (int i = 0; i < 8; ++i)
      in.push_back(RandomFloats(rows * width, 10 + i));
    for (int i = 0; i < 8; ++i) weights.push_back(RandomFloats(width, 30 + i));
    weights[kW0] = RandomFloats(width, 99, -3.0f, 4.0f);
    state = RandomFloats(heads * size * size, 50, 0.0f, 0.3f);
  }

  enum { kR, kK, kV, kW, kA, kG, kVFirst, kVGate };
  enum { kW0, kA0, kV0, kKK, kKA, kRK, kScale, kBias };

  // One row of one head in double precision; s is [key][value].
  void Row(int n, int h, std::vector<double>* s, double* y) const {
    const int width = heads * size;
    const auto row = [&](int i, int c) {
      return double(in[i][n * width + h * size + c]);
    };
    const auto weight = [&](int i, int c) {
      return double(weights[i][h * size + c]);
    };
    std::vector<double> v(size), k(size), kk(size), a(size), decay(size);
    double norm = 0, bonus = 0;
    for (int c = 0; c < size; ++c) {
      v[c] = row(kV, c);
      if (leans) {
        v[c] += (row(kVFirst, c) - v[c]) *
                SigmoidOf(weight(kV0, c) + row(kVGate, c));
      }
      a[c] = SigmoidOf(weight(kA0, c) + row(kA, c));
      decay[c] =
          std::exp(-std::exp(-0.5) * SigmoidOf(weight(kW0, c) + row(kW, c)));
      kk[c] = row(kK, c) * weight(kKK, c);
      norm += kk[c] * kk[c];
      k[c] = row(kK, c) * (1 + (a[c] - 1) * weight(kKA, c));
      bonus += row(kR, c) * k[c] * weight(kRK, c);
    }
    for (double& x : kk) x /= std::max(std::sqrt(norm), 1e-12);
    std::vector<double> o(size);
    double mean = 0, var = 0;
    for (int i = 0; i < size; ++i) {
      double u = 0;
      for (int j = 0; j < size; ++j) u -= (*s)[j * size + i] * kk[j];
      for (int j = 0; j < size; ++j) {
        double& cell = (*s)[j * size + i];
        cell = cell * decay[j] + u * kk[j] * a[j] + v[i] * k[j];
        o[i] += cell * row(kR, j);
      }
      mean += o[i] / size;
    }
    for (double x : o) var += (x - mean) * (x - mean) / size;
    for (int i = 0; i < size; ++i) {
      const double normed =
          (o[i] - mean) / std::sqrt(var + 64e-5) * weight(kScale, i) +
          weight(kBias, i);
      y[i] = (normed + bonus * v[i]) * row(kG, i);
    }
  }

  int rows, heads, size;
  bool leans;
  std::vector<Numbers> in, weights;
  Numbers state;
};

class HeadMix7Test : public OpsTest {
 protected:
  // Runs the case in steps that end at the given rows; y and state after it.
  std::pair<Numbers, Numbers> Run(const HeadMixCase& c, std::vector<int> ends) {
    const int width = c.heads * c.size;
    std::vector<OwnedRows> in;
    for (const Numbers& numbers : c.in) in.emplace_back(c.rows, width, numbers);
    OwnedRows y(c.rows, width);
    Numbers state(3);
    state.insert(state.end(), c.state.begin(), c.state.end());
    int begin = 0;
    for (int end : ends) {
      const auto part = [&](Rows rows) {
        return Rows{rows.row(begin), end - begin, width, rows.pitch};
      };
      HeadMix7Args args;
      args.y = part(y);
      args.r = part(in[c.kR]), args.k = part(in[c.kK]);
      args.v = part(in[c.kV]), args.w = part(in[c.kW]);
      args.a = part(in[c.kA]), args.g = part(in[c.kG]);
      args.v_first = part(in[c.kVFirst]), args.v_gate = part(in[c.kVGate]);
      args.w0 = Pack(c.weights[c.kW0]), args.a0 = Pack(c.weights[c.kA0]);
      args.v0 = Pack(c.weights[c.kV0]), args.k_k = Pack(c.weights[c.kKK]);
      args.k_a = Pack(c.weights[c.kKA]), args.r_k = Pack(c.weights[c.kRK]);
      args.norm_scale = Pack(c.weights[c.kScale]);
      args.norm_bias = Pack(c.weights[c.kBias]);
      args.head_size = c.size;
      args.leans = c.leans;
      const std::vector<int> row_end = {end - begin};
      const std::vector<float*> states = {state.data()};
      ops_->HeadMix7(args, {row_end, states}, 3);
      begin = end;
    }
    return {y.Get(), Numbers(state.begin() + 3, state.end())};
  }
};

TEST_P(HeadMix7Test, FollowsTheEquations) {
  for (int size : {8, 16, 32, 64, 128}) {
    for (bool leans : {false, true}) {
      const HeadMixCase c(21, 3, size, leans);
      const auto [y, state] = Run(c, {21});
      std::vector<double> want_y(y.size()), want_state;
      for (int h = 0; h < c.heads; ++h) {
        const auto first = c.state.begin() + h * size * size;
        std::vector<double> s(first, first + size * size);
        for (int n = 0; n < c.rows; ++n) {
          c.Row(n, h, &s, &want_y[(n * c.heads + h) * size]);
        }
        want_state.insert(want_state.end(), s.begin(), s.end());
      }
      SCOPED_TRACE(size);
      ExpectNear(state, want_state, 2e-6);
      ExpectNear(y, want_y, 2e-5);
    }
  }
}

TEST_P(HeadMix7Test, DoesNotDependOnHowRowsAreCut) {
  for (int size : {8, 64, 128}) {
    const HeadMixCase c(37, 2, size, true);
    const auto whole = Run(c, {37});
    EXPECT_EQ(Run(c, {1, 2, 3, 11, 12, 30, 37}), whole) << size;
    std::vector<int> one_by_one;
    for (int n = 1; n <= 37; ++n) one_by_one.push_back(n);
    EXPECT_EQ(Run(c, one_by_one), whole) << size;
  }
}

TEST_P(HeadMix7Test, IsTheSameOnEveryInstructionSet) {
  for (int size : {8, 16, 32, 64, 128}) {
    const HeadMixCase c(10, 2, size, true);
    const auto here = Run(c, {10});
    for (const CpuTarget& other : kCpuTargets) {
      if (!HasCpuTarget(other)) continue;
      target_.reset();
      target_ = std::make_unique<ScopedCpuTarget>(other);
      EXPECT_EQ(Run(c, {10}), here) << size << " " << other;
    }
  }
}

std::string ParamName(const testing::TestParamInfo<Param>& info) {
  return std::string(std::get<1>(info.param).name) + "Threads" +
         std::to_string(std::get<0>(info.param));
}

const auto kParams =
    testing::Combine(testing::Values(1, 3), testing::ValuesIn(kCpuTargets));
INSTANTIATE_TEST_SUITE_P(All, OpsTest, kParams, ParamName);
INSTANTIATE_TEST_SUITE_P(All, HeadMix7Test, kParams, ParamName);

}  // namespace
}  // namespace oxbow
