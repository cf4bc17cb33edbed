// The ops on the CPU: exact, on AVX2 and AVX-512 alike, or fast.
#ifndef OXBOW_KERNELS_CPU_CPU_OPS_H_
#define OXBOW_KERNELS_CPU_CPU_OPS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/cpu/arena.h"
#include "kernels/cpu/half_rows.h"
#include "kernels/cpu/short_rows.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/ops.h"

namespace oxbow {

// Shapes the arguments into independent tasks for a thread pool; the
// arithmetic is in *product.cc, *rows.cc and wkv*.cc. Its memory is host
// memory.
class CpuOps : public Ops {
 public:
  // `threads` share the work; 0: one for each of UsableCores(). Unimplemented
  // on a CPU without AVX2 and FMA: without a fused multiply-add the results
  // would not be those of other machines. Unimplemented on one without AVX-512
  // BF16, if `numerics` is kFast.
  static absl::StatusOr<std::unique_ptr<CpuOps>> Create(
      int threads, Numerics numerics = Numerics::kExact);
  // The threads of `pool`, which other models of the same owner share: one
  // thread calls them all.
  static absl::StatusOr<std::unique_ptr<CpuOps>> Create(
      std::shared_ptr<ThreadPool> pool, Numerics numerics = Numerics::kExact);

  int threads() const { return pool_->threads(); }
  // May be called between ops at any time: results do not depend on it.
  void SetThreads(int threads) { pool_->SetThreads(threads); }

  std::string numerics_id() const override;
  absl::StatusOr<Buffer> Allocate(int64_t count) override;
  void Copy(float* to, const float* from, int64_t count) override;
  void Write(float* to, absl::Span<const float> from) override;
  void Read(absl::Span<float> to, const float* from) const override;
  absl::StatusOr<Vector> PackVector(absl::Span<const float> from) override;
  absl::StatusOr<Table> PackTable(const HostMatrix& from) override;
  absl::StatusOr<Matrix> Pack(const HostMatrix& from, bool transposed) override;
  void Gather(Rows x, const Table& table,
              absl::Span<const int> tokens) override;
  void Norm(Rows y, Rows x, Vector scale, Vector bias, float eps) override;
  void ShiftMix(absl::Span<const Mix> mixes, Rows x, const Sequences& sequences,
                int64_t offset) override;
  void PeekMix(absl::Span<const Mix> mixes, Rows x, const Sequences& sequences,
               int64_t offset) override;
  void AddGated(Rows x, Rows gate, Rows y) override;
  void Multiply(absl::Span<const Product> products) override;
  void Wkv4(const Wkv4Args& args, const Sequences& sequences,
            int64_t offset) override;
  void Wkv6(const Wkv6Args& args, const Sequences& sequences,
            int64_t offset) override;
  void Wkv7(const Wkv7Args& args, const Sequences& sequences,
            int64_t offset) override;

 private:
  CpuOps(std::shared_ptr<ThreadPool> pool, Numerics numerics)
      : numerics_(numerics), pool_(std::move(pool)) {}

  // Calls work(head, row_begin, row_end, state) for each head of each sequence;
  // `state` is the head's matrix.
  void ForHeads(
      int width, int head_size, const Sequences& sequences, int64_t offset,
      absl::FunctionRef<void(int head, int row_begin, int row_end, float*)>
          work);
  // Calls work(n) for each row, some rows to a task.
  void ForRows(int count, absl::FunctionRef<void(int)> work);

  // Rows in the form a product with weights of a dtype takes them in.
  struct Inputs {
    ShortRows in_short;  // weights in blocks
    HalfRows in_half;    // bf16 that may be fast
  };
  bool TakesHalves(DType dtype) const {
    return dtype == DType::kBF16 && numerics_ == Numerics::kFast;
  }
  // Of each product. They live until the next call.
  std::vector<Inputs> InputsOf(absl::Span<const Product> products);
  void MultiplyPart(const Product& product, const Inputs& inputs, int panel,
                    int row_begin, int row_end) const;

  const Numerics numerics_;
  Arena arena_;
  // Shared: several models on one thread use the same threads.
  const std::shared_ptr<ThreadPool> pool_;
  std::vector<ShortRowsRoom> short_rooms_;
  std::vector<HalfRowsRoom> half_rooms_;
};

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_CPU_OPS_H_
