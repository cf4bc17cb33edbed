#include "kernels/cpu/cpu_ops.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "hwy/targets.h"
#include "kernels/check_shapes.h"
#include "kernels/cpu/block_product.h"
#include "kernels/cpu/half_product.h"
#include "kernels/cpu/product.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/wkv4.h"
#include "kernels/cpu/wkv6.h"
#include "kernels/cpu/wkv7.h"

namespace oxbow {
namespace {

// Rows of one elementwise task: a microsecond or two of work.
constexpr int kTaskRows = 8;
// Channels of one task of Wkv4: full registers, and full lines of the cache.
constexpr int kTaskChannels = 64;
// Fewer rows than this are not worth a panel's way from the cache again.
constexpr int kPartRows = 48;
// Tasks a thread at least, so that the last ones end together.
constexpr int kTasksAThread = 4;
constexpr size_t kHugePageBytes = size_t{2} << 20;

int RowBegin(const Sequences& sequences, int b) {
  return b == 0 ? 0 : sequences.row_end[b - 1];
}

}  // namespace

absl::StatusOr<std::unique_ptr<CpuOps>> CpuOps::Create(int threads,
                                                       Numerics numerics) {
  if (threads < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("threads must not be negative: ", threads));
  }
  return Create(std::make_shared<ThreadPool>(threads), numerics);
}

absl::StatusOr<std::unique_ptr<CpuOps>> CpuOps::Create(
    std::shared_ptr<ThreadPool> pool, Numerics numerics) {
  if ((hwy::SupportedTargets() & (HWY_AVX2 | HWY_AVX3)) == 0) {
    return absl::UnimplementedError(
        "this CPU lacks AVX2 or FMA; Oxbow's arithmetic needs a fused "
        "multiply-add to give the same bits everywhere");
  }
  if (numerics == Numerics::kFast && !HasHalfProduct()) {
    return absl::UnimplementedError(
        "this CPU lacks AVX-512 BF16, without which fast numerics are no "
        "faster than exact ones");
  }
  return absl::WrapUnique(new CpuOps(std::move(pool), numerics));
}

std::string CpuOps::numerics_id() const {
  return numerics_ == Numerics::kExact ? "cpu-exact-2" : "cpu-avx512bf16-1";
}

absl::StatusOr<Buffer> CpuOps::Allocate(int64_t count) {
  OXBOW_CHECK(count >= 0) << count;
  const size_t bytes =
      (static_cast<size_t>(count) * sizeof(float) + 63) / 64 * 64;
  const bool huge = bytes >= kHugePageBytes;
  void* data = nullptr;
  if (posix_memalign(&data, huge ? kHugePageBytes : 64,
                     std::max<size_t>(bytes, 64)) != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the system refuses ", bytes >> 10, " KiB of memory"));
  }
  if (huge) (void)madvise(data, bytes, MADV_HUGEPAGE);
  std::memset(data, 0, bytes);
  return Buffer(static_cast<float*>(data), count,
                [](float* pointer) { std::free(pointer); });
}

void CpuOps::Copy(float* to, const float* from, int64_t count) {
  std::memcpy(to, from, count * sizeof(float));
}

void CpuOps::Write(float* to, absl::Span<const float> from) {
  std::copy(from.begin(), from.end(), to);
}

void CpuOps::Read(absl::Span<float> to, const float* from) const {
  std::copy_n(from, to.size(), to.begin());
}

absl::StatusOr<Vector> CpuOps::PackVector(absl::Span<const float> from) {
  ASSIGN_OR_RETURN(void* data, arena_.Allocate(from.size() * sizeof(float)));
  std::memcpy(data, from.data(), from.size() * sizeof(float));
  return Vector{static_cast<const float*>(data), static_cast<int>(from.size())};
}

absl::StatusOr<Table> CpuOps::PackTable(const HostMatrix& from) {
  const size_t bytes =
      BytesOf(from.dtype, int64_t{1} * from.rows * from.columns);
  ASSIGN_OR_RETURN(void* data, arena_.Allocate(bytes));
  std::memcpy(data, from.data, bytes);
  return Table{data, from.dtype, from.rows, from.columns};
}

absl::StatusOr<Matrix> CpuOps::Pack(const HostMatrix& from, bool transposed) {
  OXBOW_CHECK(!transposed || NumbersPerBlock(from.dtype) == 1);
  Matrix matrix;
  matrix.dtype = from.dtype;
  matrix.outputs = transposed ? from.columns : from.rows;
  matrix.inputs = transposed ? from.rows : from.columns;
  const int panels = PanelsOf(matrix.outputs);
  ASSIGN_OR_RETURN(
      void* data,
      arena_.Allocate(panels * PanelBytes(from.dtype, matrix.inputs)));
  pool_->Run(panels,
             [&](int panel) { PackPanel(from, transposed, panel, data); });
  matrix.data = data;
  return matrix;
}

void CpuOps::ForRows(int count, absl::FunctionRef<void(int)> work) {
  const int tasks = (count + kTaskRows - 1) / kTaskRows;
  pool_->Run(tasks, [&](int task) {
    const int end = std::min(count, (task + 1) * kTaskRows);
    for (int n = task * kTaskRows; n < end; ++n) work(n);
  });
}

void CpuOps::Gather(Rows x, const Table& table, absl::Span<const int> tokens) {
  OXBOW_CHECK(x.width == table.width);
  OXBOW_CHECK(x.count == static_cast<int>(tokens.size()));
  const int64_t row_bytes = BytesOf(table.dtype, table.width);
  ForRows(x.count, [&](int n) {
    OXBOW_CHECK(tokens[n] >= 0 && tokens[n] < table.rows) << tokens[n];
    WidenRow(x.row(n),
             static_cast<const char*>(table.data) + tokens[n] * row_bytes,
             table.dtype, x.width);
  });
}

void CpuOps::Norm(Rows y, Rows x, Vector scale, Vector bias, float eps) {
  CheckSameShape(y, x);
  OXBOW_CHECK(scale.size == x.width && bias.size == x.width);
  ForRows(x.count,
          [&](int n) { NormRow(y.row(n), x.row(n), scale, bias, eps); });
}

void CpuOps::ShiftMix(absl::Span<const Mix> mixes, Rows x,
                      const Sequences& sequences, int64_t offset) {
  PeekMix(mixes, x, sequences, offset);
  for (size_t b = 0; b < sequences.row_end.size(); ++b) {
    std::memcpy(sequences.states[b] + offset, x.row(sequences.row_end[b] - 1),
                x.width * sizeof(float));
  }
}

void CpuOps::PeekMix(absl::Span<const Mix> mixes, Rows x,
                     const Sequences& sequences, int64_t offset) {
  for (const Mix& mix : mixes) {
    CheckSameShape(mix.y, x);
    OXBOW_CHECK(mix.amount.size == x.width);
    if (mix.more.data != nullptr) CheckSameShape(mix.more, x);
  }
  const auto& row_end = sequences.row_end;
  ForRows(x.count, [&](int n) {
    // The sequence of row n, and whether n is its first row.
    const int b = static_cast<int>(
        std::upper_bound(row_end.begin(), row_end.end(), n) - row_end.begin());
    const bool is_first = n == RowBegin(sequences, b);
    MixRow(mixes, x, n, is_first ? sequences.states[b] + offset : x.row(n - 1));
  });
}

void CpuOps::AddGated(Rows x, Rows gate, Rows y) {
  CheckSameShape(x, gate);
  CheckSameShape(x, y);
  ForRows(x.count, [&](int n) {
    AddGatedRow(x.row(n), gate.row(n), y.row(n), x.width);
  });
}

std::vector<CpuOps::Inputs> CpuOps::InputsOf(
    absl::Span<const Product> products) {
  std::vector<Inputs> inputs(products.size());
  short_rooms_.resize(std::max(short_rooms_.size(), products.size()));
  half_rooms_.resize(std::max(half_rooms_.size(), products.size()));
  std::map<const float*, Inputs> done;  // by Rows::data
  for (size_t i = 0; i < products.size(); ++i) {
    const Rows& x = products[i].x;
    const DType dtype = products[i].w.dtype;
    Inputs& made = done[x.data];
    if (NumbersPerBlock(dtype) > 1 && made.in_short.data == nullptr) {
      short_rooms_[i].Resize(x);
      ForRows(x.count, [&](int n) { short_rooms_[i].Fill(x, n); });
      made.in_short = short_rooms_[i].rows();
    }
    if (TakesHalves(dtype) && made.in_half.data == nullptr) {
      half_rooms_[i].Resize(x);
      ForRows(x.count, [&](int n) { half_rooms_[i].Fill(x, n); });
      made.in_half = half_rooms_[i].rows();
    }
    inputs[i] = made;
  }
  return inputs;
}

void CpuOps::MultiplyPart(const Product& product, const Inputs& inputs,
                          int panel, int row_begin, int row_end) const {
  const DType dtype = product.w.dtype;
  if (NumbersPerBlock(dtype) > 1) {
    MultiplyBlockPanel(product, inputs.in_short, panel, row_begin, row_end);
  } else if (TakesHalves(dtype)) {
    MultiplyHalfPanel(product, inputs.in_half, panel, row_begin, row_end);
  } else {
    MultiplyPanel(product, panel, row_begin, row_end);
  }
}

void CpuOps::Multiply(absl::Span<const Product> products) {
  if (products.empty()) return;
  const int rows = products[0].x.count;
  int panels = 0;
  for (const Product& product : products) {
    CheckProduct(product);
    OXBOW_CHECK(product.x.count == rows);
    panels += PanelsOf(product.w.outputs);
  }
  if (rows == 0) return;
  const std::vector<Inputs> inputs = InputsOf(products);
  // Few panels for many threads are cut along the rows as well.
  const int parts_wanted = (kTasksAThread * threads() + panels - 1) / panels;
  const int parts = std::max(1, std::min(parts_wanted, rows / kPartRows));
  pool_->Run(panels * parts, [&](int task) {
    int panel = task / parts;
    size_t i = 0;
    for (; panel >= PanelsOf(products[i].w.outputs); ++i) {
      panel -= PanelsOf(products[i].w.outputs);
    }
    const int64_t part = task % parts;
    MultiplyPart(products[i], inputs[i], panel,
                 static_cast<int>(rows * part / parts),
                 static_cast<int>(rows * (part + 1) / parts));
  });
}

void CpuOps::Wkv4(const Wkv4Args& args, const Sequences& sequences,
                  int64_t offset) {
  const int width = args.y.width;
  OXBOW_CHECK(args.w.size == width && args.u.size == width);
  const int parts = (width + kTaskChannels - 1) / kTaskChannels;
  const int count = static_cast<int>(sequences.row_end.size());
  pool_->Run(count * parts, [&](int task) {
    const int b = task / parts;
    const int begin = task % parts * kTaskChannels;
    Wkv4Channels(args, begin, std::min(begin + kTaskChannels, width),
                 RowBegin(sequences, b), sequences.row_end[b],
                 sequences.states[b] + offset);
  });
}

void CpuOps::Wkv6(const Wkv6Args& args, const Sequences& sequences,
                  int64_t offset) {
  ForHeads(args.y.width, args.head_size, sequences, offset,
           [&](int head, int row_begin, int row_end, float* state) {
             Wkv6Head(args, head, row_begin, row_end, state);
           });
}

void CpuOps::Wkv7(const Wkv7Args& args, const Sequences& sequences,
                  int64_t offset) {
  ForHeads(args.y.width, args.head_size, sequences, offset,
           [&](int head, int row_begin, int row_end, float* state) {
             Wkv7Head(args, head, row_begin, row_end, state);
           });
}

void CpuOps::ForHeads(
    int width, int head_size, const Sequences& sequences, int64_t offset,
    absl::FunctionRef<void(int head, int row_begin, int row_end, float*)>
        work) {
  OXBOW_CHECK(IsHeadSize(head_size) && width % head_size == 0) << head_size;
  const int heads = width / head_size;
  const int count = static_cast<int>(sequences.row_end.size());
  pool_->Run(count * heads, [&](int task) {
    const int b = task / heads;
    const int head = task % heads;
    work(head, RowBegin(sequences, b), sequences.row_end[b],
         sequences.states[b] + offset +
             static_cast<int64_t>(head) * head_size * head_size);
  });
}

}  // namespace oxbow
