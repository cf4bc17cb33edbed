// What tests of the ops share: numbers in a backend's memory, and the backend
// under test, on which the target decides that links one (backend.h).
#ifndef OXBOW_KERNELS_TESTING_OPS_FIXTURE_H_
#define OXBOW_KERNELS_TESTING_OPS_FIXTURE_H_

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/ops.h"
#include "kernels/testing/backend.h"

namespace oxbow {

using Numbers = std::vector<float>;

// Numbers in the memory of a backend.
class OwnedNumbers {
 public:
  OwnedNumbers(Ops& ops, const Numbers& from)
      : ops_(&ops), buffer_(*ops.Allocate(static_cast<int64_t>(from.size()))) {
    ops.Write(buffer_.data(), from);
  }
  float* data() const { return buffer_.data(); }
  Numbers Get() const {
    Numbers got(buffer_.count());
    ops_->Read(absl::MakeSpan(got), buffer_.data());
    return got;
  }

 private:
  Ops* ops_;
  Buffer buffer_;
};

// Rows of their own, with a pitch wider than they are.
class OwnedRows {
 public:
  OwnedRows(Ops& ops, int count, int width, const Numbers& from = {})
      : count_(count), width_(width), numbers_(ops, Padded(from)) {}
  operator Rows() const {
    return Rows{numbers_.data(), count_, width_, width_ + kPadding};
  }
  Numbers Get() const {
    const Numbers all = numbers_.Get();
    Numbers got;
    for (int n = 0; n < count_; ++n) {
      const auto row = all.begin() + n * (width_ + kPadding);
      got.insert(got.end(), row, row + width_);
      for (int i = 0; i < kPadding; ++i) EXPECT_EQ(row[width_ + i], -7.0f);
    }
    return got;
  }

 private:
  static constexpr int kPadding = 5;

  Numbers Padded(const Numbers& from) const {
    Numbers padded(count_ * (width_ + kPadding), -7.0f);
    for (size_t i = 0; i < from.size(); ++i) {
      padded[i / width_ * (width_ + kPadding) + i % width_] = from[i];
    }
    return padded;
  }

  int count_, width_;
  OwnedNumbers numbers_;
};

inline void ExpectNear(const Numbers& got, const std::vector<double>& want,
                       double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], want[i], tolerance) << i;
  }
}

inline double SigmoidOf(double x) { return 1 / (1 + std::exp(-x)); }

class OpsTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    backend_ = NewBackend(GetParam());
    if (backend_ == nullptr) GTEST_SKIP() << "no " << GetParam() << " here";
    ops_ = &backend_->ops();
  }

  Vector Pack(const Numbers& numbers) { return *ops_->PackVector(numbers); }
  Matrix PackMatrix(const Numbers& numbers, int outputs, int inputs) {
    return *ops_->Pack({numbers.data(), DType::kF32, outputs, inputs}, false);
  }

  std::unique_ptr<Backend> backend_;
  Ops* ops_ = nullptr;
};

inline std::string BackendName(
    const testing::TestParamInfo<std::string>& info) {
  return info.param;
}

}  // namespace oxbow

#endif  // OXBOW_KERNELS_TESTING_OPS_FIXTURE_H_
