#include "kernels/cuda/math.h"
#include "kernels/cuda/rows.h"

namespace oxbow {
namespace {

constexpr int kThreads = 256;
// As many as one launch takes; no version has more.
constexpr int kMixesMax = 8;

struct MixList {
  Mix mix[kMixesMax];
  int count;
};

template <DType kDType>
__global__ void GatherRow(Rows x, Table table, const int* tokens) {
  const int n = blockIdx.x;
  const int64_t first = int64_t{1} * tokens[n] * table.width;
  for (int c = threadIdx.x; c < table.width; c += blockDim.x) {
    RowOf(x, n)[c] = NumberAt<kDType>(table.data, first + c);
  }
}

__global__ void NormRow(Rows y, Rows x, Vector scale, Vector bias, float eps) {
  __shared__ float partial[16];
  const float* row = RowOf(x, blockIdx.x);
  float* to = RowOf(y, blockIdx.x);
  const int width = x.width;
  const float mean =
      BlockSum(width, partial, [&](int i, float sum) { return sum + row[i]; }) /
      width;
  const float squares = BlockSum(width, partial, [&](int i, float sum) {
    const float d = row[i] - mean;
    return fmaf(d, d, sum);
  });
  const float inverse = 1.0f / sqrtf(squares / width + eps);
  for (int c = threadIdx.x; c < width; c += blockDim.x) {
    to[c] = fmaf((row[c] - mean) * inverse, scale.data[c], bias.data[c]);
  }
}

__global__ void MixRow(MixList mixes, Rows x, DeviceSequences sequences,
                       int64_t offset) {
  const int n = blockIdx.x;
  const float* row = RowOf(x, n);
  const int first_of = sequences.first_of[n];
  const float* prev =
      first_of >= 0 ? sequences.states[first_of] + offset : RowOf(x, n - 1);
  for (int c = threadIdx.x; c < x.width; c += blockDim.x) {
    const float here = row[c];
    const float change = prev[c] - here;
    for (int i = 0; i < mixes.count; ++i) {
      const Mix& mix = mixes.mix[i];
      float amount = mix.amount.data[c];
      if (mix.more.data != nullptr) amount = amount + RowOf(mix.more, n)[c];
      RowOf(mix.y, n)[c] = fmaf(change, amount, here);
    }
  }
}

__global__ void KeepLastRow(Rows x, DeviceSequences sequences, int64_t offset) {
  const int b = blockIdx.x;
  const float* last = RowOf(x, sequences.row_end[b] - 1);
  float* to = sequences.states[b] + offset;
  for (int c = threadIdx.x; c < x.width; c += blockDim.x) to[c] = last[c];
}

__global__ void AddGatedRow(Rows x, Rows gate, Rows y) {
  const int n = blockIdx.x;
  float* to = RowOf(x, n);
  for (int c = threadIdx.x; c < x.width; c += blockDim.x) {
    to[c] = fmaf(RowOf(gate, n)[c], RowOf(y, n)[c], to[c]);
  }
}

}  // namespace

void GatherOnGpu(Rows x, const Table& table, const int* tokens,
                 cudaStream_t stream) {
  switch (table.dtype) {
    case DType::kF32:
      return Launch(GatherRow<DType::kF32>, x.count, kThreads, stream, x, table,
                    tokens);
    case DType::kF16:
      return Launch(GatherRow<DType::kF16>, x.count, kThreads, stream, x, table,
                    tokens);
    default:
      OXBOW_CHECK(table.dtype == DType::kBF16) << NameOf(table.dtype);
      return Launch(GatherRow<DType::kBF16>, x.count, kThreads, stream, x,
                    table, tokens);
  }
}

void NormOnGpu(Rows y, Rows x, Vector scale, Vector bias, float eps,
               cudaStream_t stream) {
  Launch(NormRow, x.count, kThreads, stream, y, x, scale, bias, eps);
}

void MixOnGpu(absl::Span<const Mix> mixes, Rows x,
              const DeviceSequences& sequences, int64_t offset,
              cudaStream_t stream) {
  OXBOW_CHECK(mixes.size() <= kMixesMax) << mixes.size();
  MixList list;
  list.count = static_cast<int>(mixes.size());
  for (int i = 0; i < list.count; ++i) list.mix[i] = mixes[i];
  Launch(MixRow, x.count, kThreads, stream, list, x, sequences, offset);
}

void KeepLastRowsOnGpu(Rows x, const DeviceSequences& sequences, int64_t offset,
                       cudaStream_t stream) {
  Launch(KeepLastRow, sequences.count, kThreads, stream, x, sequences, offset);
}

void AddGatedOnGpu(Rows x, Rows gate, Rows y, cudaStream_t stream) {
  Launch(AddGatedRow, x.count, kThreads, stream, x, gate, y);
}

}  // namespace oxbow
