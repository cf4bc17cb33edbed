// Every op of every backend against the words of ops.h, in double precision.
// The recurrences are in wkv_test.cc.
#include "kernels/ops.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/testing/ops_fixture.h"
#include "kernels/testing/random_blocks.h"
#include "kernels/testing/random_floats.h"

namespace oxbow {
namespace {

TEST_P(OpsTest, MemoryStartsAtZeroAndKeepsWhatIsWritten) {
  Buffer buffer = *ops_->Allocate(1000);
  Numbers read(1000, 5.0f);
  ops_->Read(absl::MakeSpan(read), buffer.data());
  EXPECT_EQ(read, Numbers(1000, 0.0f));
  const Numbers numbers = RandomFloats(1000, 1);
  ops_->Write(buffer.data(), numbers);
  Buffer other = *ops_->Allocate(1000);
  ops_->Copy(other.data(), buffer.data(), 1000);
  ops_->Write(buffer.data(), Numbers(10, 0.0f));
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
  OwnedRows x(*ops_, 4, 2);
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
  OwnedRows y(*ops_, 1, 21);
  ops_->Gather(y, halves, {0});
  for (int i = 0; i < 21; ++i) EXPECT_EQ(y.Get()[i], 1.0f + i / 1024.0f);
}

TEST_P(OpsTest, BlocksAreTheirDequantizedNumbers) {
  for (DType dtype : kBlockDTypes) {
    const int inputs = 3 * NumbersPerBlock(dtype), outputs = 90, rows = 7;
    const RandomWeights w = MakeRandomWeights(dtype, outputs * inputs, 1);
    const HostMatrix from{w.bytes.data(), dtype, outputs, inputs};
    OwnedRows row(*ops_, 2, inputs);
    ops_->Gather(row, *ops_->PackTable(from), {89, 2});
    Numbers want(w.numbers.end() - inputs, w.numbers.end());
    want.insert(want.end(), &w.numbers[2 * inputs], &w.numbers[3 * inputs]);
    EXPECT_EQ(row.Get(), want) << NameOf(dtype);

    const Numbers x = RandomFloats(rows * inputs, 3);
    OwnedRows in(*ops_, rows, inputs, x), y(*ops_, rows, outputs),
        plain(*ops_, rows, outputs);
    ops_->Multiply(
        {{y, in, *ops_->Pack(from, /*transposed=*/false), Activation::kTanh},
         {plain, in, PackMatrix(w.numbers, outputs, inputs),
          Activation::kTanh}});
    const Numbers exact = plain.Get();
    // Sums of up to 768 products with activations of 16 bits, after a tanh;
    // block_product_test.cc has the bits.
    ExpectNear(y.Get(), {exact.begin(), exact.end()}, 0.02);
  }
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
    OwnedRows y(*ops_, 19, width), in(*ops_, 19, width, x);
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
  Numbers before_a(10 + width), before_b(10 + width);
  std::copy_n(past.begin(), width, before_a.begin() + 10);
  std::copy_n(past.begin() + width, width, before_b.begin() + 10);
  const OwnedNumbers state_a(*ops_, before_a), state_b(*ops_, before_b);
  const std::vector<int> row_end = {17, 20};
  const std::vector<float*> states = {state_a.data(), state_b.data()};

  OwnedRows in(*ops_, 20, width, x), y(*ops_, 20, width), z(*ops_, 20, width);
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
    EXPECT_EQ(state_a.Get()[10 + c], x[16 * width + c]);
    EXPECT_EQ(state_b.Get()[10 + c], x[19 * width + c]);
  }
  EXPECT_EQ(state_a.Get()[9], 0.0f);
}

TEST_P(OpsTest, PeekMixLeavesTheStatesAndTakesAmountsOfEachRow) {
  const int width = 24;
  const Numbers x = RandomFloats(9 * width, 3), past = RandomFloats(width, 4);
  const Numbers amount = RandomFloats(width, 5);
  const Numbers more = RandomFloats(9 * width, 6);
  const OwnedNumbers state(*ops_, past);
  const std::vector<int> row_end = {9};
  const std::vector<float*> states = {state.data()};
  OwnedRows in(*ops_, 9, width, x), y(*ops_, 9, width), z(*ops_, 9, width),
      added(*ops_, 9, width, more);
  const std::vector<Mix> mixes = {{y, Pack(amount), added}, {z, Pack(amount)}};
  ops_->PeekMix(mixes, in, {row_end, states}, 0);
  EXPECT_EQ(state.Get(), past);
  std::vector<double> want_y, want_z;
  for (int i = 0; i < 9 * width; ++i) {
    const double change = double(i < width ? past[i] : x[i - width]) - x[i];
    want_y.push_back(x[i] + change * (double(amount[i % width]) + more[i]));
    want_z.push_back(x[i] + change * amount[i % width]);
  }
  ExpectNear(y.Get(), want_y, 1e-6);
  ExpectNear(z.Get(), want_z, 5e-7);
  const Numbers peeked = y.Get();
  ops_->ShiftMix(mixes, in, {row_end, states}, 0);
  EXPECT_EQ(y.Get(), peeked);
  EXPECT_EQ(state.Get(), Numbers(x.end() - width, x.end()));
}

TEST_P(OpsTest, AddGatedFollowsItsFormula) {
  const Numbers x = RandomFloats(11 * 21, 1), gate = RandomFloats(11 * 21, 2),
                y = RandomFloats(11 * 21, 3);
  OwnedRows to(*ops_, 11, 21, x), by(*ops_, 11, 21, gate),
      from(*ops_, 11, 21, y);
  ops_->AddGated(to, by, from);
  Numbers want;
  for (size_t i = 0; i < x.size(); ++i) {
    want.push_back(std::fma(gate[i], y[i], x[i]));
  }
  EXPECT_EQ(to.Get(), want);
}

TEST_P(OpsTest, MultiplyDoesAllProductsOfAList) {
  const int rows = 100, inputs = 30;
  const Numbers x = RandomFloats(rows * inputs, 1),
                u = RandomFloats(rows * 7, 2);
  const Numbers w1 = RandomFloats(70 * inputs, 3), w2 = RandomFloats(9 * 7, 4);
  OwnedRows in(*ops_, rows, inputs, x), in2(*ops_, rows, 7, u),
      y1(*ops_, rows, 70), y2(*ops_, rows, 9, Numbers(rows * 9, 100.0f));
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
      {Activation::kSilu, [](double v) { return v * SigmoidOf(v); }, 1e-5},
      {Activation::kRelu, [](double v) { return std::max(v, 0.0); }, 0},
      {Activation::kReluSquared,
       [](double v) {
         return double(static_cast<float>(std::max(v, 0.0) * std::max(v, 0.0)));
       },
       0}};
  for (const auto& kind : kinds) {
    OwnedRows in(*ops_, rows, 1, x), y(*ops_, rows, 1);
    ops_->Multiply({{y, in, one, kind.activation}});
    std::vector<double> want;
    for (float v : x) want.push_back(kind.formula(v));
    ExpectNear(y.Get(), want, kind.tolerance);
  }
}

// Products, norms and mixes of awkward sizes: every backend of this test gives
// the same bits. wkv_test.cc has the recurrences.
TEST_P(OpsTest, EveryBackendGivesTheSameBits) {
  const auto run = [](Ops& ops) {
    Numbers all;
    const auto keep = [&](const OwnedRows& rows) {
      const Numbers got = rows.Get();
      all.insert(all.end(), got.begin(), got.end());
    };
    for (DType dtype :
         {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0, DType::kQ4_0,
          DType::kQ4_1, DType::kQ4_K, DType::kQ6_K}) {
      const int step = NumbersPerBlock(dtype);
      const int outputs = 83, inputs = step == 1 ? 131 : 2 * step;
      const RandomWeights w = MakeRandomWeights(dtype, outputs * inputs, 1);
      const Matrix matrix =
          *ops.Pack({w.bytes.data(), dtype, outputs, inputs}, false);
      for (int rows : {1, 5, 16, 17, 70}) {
        const OwnedRows x(ops, rows, inputs, RandomFloats(rows * inputs, 2)),
            y(ops, rows, outputs, RandomFloats(rows * outputs, 3));
        for (bool add : {false, true}) {
          ops.Multiply({{y, x, matrix, Activation::kTanh, add}});
          keep(y);
        }
      }
    }
    const OwnedRows x(ops, 3, 100, RandomFloats(300, 4)), y(ops, 3, 100);
    const Numbers scale = RandomFloats(100, 5), bias = RandomFloats(100, 6);
    ops.Norm(y, x, *ops.PackVector(scale), *ops.PackVector(bias), 1e-5f);
    keep(y);
    const OwnedNumbers state(ops, RandomFloats(100, 7));
    const std::vector<int> row_end = {3};
    const std::vector<float*> states = {state.data()};
    ops.ShiftMix({{y, *ops.PackVector(scale)}}, x, {row_end, states}, 0);
    keep(y);
    return all;
  };
  const Numbers here = run(*ops_);
  for (const std::string& name : BackendNames()) {
    backend_.reset();
    backend_ = NewBackend(name);
    if (backend_ == nullptr) continue;
    EXPECT_EQ(run(backend_->ops()), here) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, OpsTest, testing::ValuesIn(BackendNames()),
                         BackendName);

}  // namespace
}  // namespace oxbow
