#include "kernels/cuda/cuda_ops.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "kernels/blocks.h"
#include "kernels/check_shapes.h"
#include "kernels/cuda/block_product.h"
#include "kernels/cuda/product.h"
#include "kernels/cuda/rows.h"
#include "kernels/cuda/wkv.h"

namespace oxbow {
namespace {

// The bits of kernels/cpu are ours, too: one name for both.
constexpr char kExactId[] = "cpu-exact-2";

// [rows, columns] of numbers of so many bytes to [columns, rows].
std::vector<char> Transpose(const HostMatrix& from) {
  const size_t size = BytesPerBlock(from.dtype);
  const auto* bytes = static_cast<const char*>(from.data);
  std::vector<char> to(
      BytesOf(from.dtype, int64_t{1} * from.rows * from.columns));
  for (int64_t r = 0; r < from.rows; ++r) {
    for (int64_t c = 0; c < from.columns; ++c) {
      std::memcpy(&to[(c * from.rows + r) * size],
                  bytes + (r * from.columns + c) * size, size);
    }
  }
  return to;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CudaOps>> CudaOps::Create(int device,
                                                         Numerics numerics) {
  if (numerics == Numerics::kFast) {
    return absl::UnimplementedError(
        "fast numerics are not there yet on a GPU; use --numerics=exact");
  }
  cudaStream_t stream;
  for (const cudaError_t error :
       {cudaSetDevice(device), cudaStreamCreate(&stream)}) {
    if (error == cudaSuccess) continue;
    return absl::UnavailableError(absl::StrCat(
        "GPU ", device, " cannot be used: ", cudaGetErrorString(error),
        "; it takes such a GPU and a driver for CUDA 13 (580 or later)"));
  }
  return absl::WrapUnique(new CudaOps(stream));
}

CudaOps::~CudaOps() {
  (void)cudaStreamSynchronize(stream_);
  (void)cudaStreamDestroy(stream_);
}

std::string CudaOps::numerics_id() const { return kExactId; }

absl::StatusOr<Buffer> CudaOps::Allocate(int64_t count) {
  OXBOW_CHECK(count >= 0) << count;
  const size_t bytes = static_cast<size_t>(count) * sizeof(float);
  ASSIGN_OR_RETURN(DeviceMemory memory, DeviceMemory::Make(bytes));
  CheckCuda(cudaMemsetAsync(memory.data(), 0, bytes, stream_));
  return Buffer(static_cast<float*>(memory.Release()), count,
                [](float* data) { (void)cudaFree(data); });
}

void CudaOps::Copy(float* to, const float* from, int64_t count) {
  CheckCuda(cudaMemcpyAsync(to, from, count * sizeof(float),
                            cudaMemcpyDeviceToDevice, stream_));
}

void CudaOps::Write(float* to, absl::Span<const float> from) {
  CheckCuda(cudaMemcpyAsync(to, from.data(), from.size() * sizeof(float),
                            cudaMemcpyHostToDevice, stream_));
}

void CudaOps::Read(absl::Span<float> to, const float* from) const {
  CheckCuda(cudaMemcpyAsync(to.data(), from, to.size() * sizeof(float),
                            cudaMemcpyDeviceToHost, stream_));
  CheckCuda(cudaStreamSynchronize(stream_));
}

absl::StatusOr<const void*> CudaOps::Keep(const void* from, size_t bytes) {
  ASSIGN_OR_RETURN(DeviceMemory memory, DeviceMemory::Make(bytes));
  CheckCuda(cudaMemcpyAsync(memory.data(), from, bytes, cudaMemcpyHostToDevice,
                            stream_));
  weights_.push_back(std::move(memory));
  return weights_.back().data();
}

absl::StatusOr<Vector> CudaOps::PackVector(absl::Span<const float> from) {
  ASSIGN_OR_RETURN(const void* data,
                   Keep(from.data(), from.size() * sizeof(float)));
  return Vector{static_cast<const float*>(data), static_cast<int>(from.size())};
}

absl::StatusOr<Table> CudaOps::PackTable(const HostMatrix& from) {
  const int64_t count = int64_t{1} * from.rows * from.columns;
  if (NumbersPerBlock(from.dtype) == 1) {
    ASSIGN_OR_RETURN(const void* data,
                     Keep(from.data, BytesOf(from.dtype, count)));
    return Table{data, from.dtype, from.rows, from.columns};
  }
  std::vector<float> numbers(count);
  Dequantize(numbers.data(), from.data, from.dtype, count);
  ASSIGN_OR_RETURN(const void* data,
                   Keep(numbers.data(), count * sizeof(float)));
  return Table{data, DType::kF32, from.rows, from.columns};
}

absl::StatusOr<Matrix> CudaOps::Pack(const HostMatrix& from, bool transposed) {
  Matrix matrix;
  matrix.dtype = from.dtype;
  matrix.outputs = transposed ? from.columns : from.rows;
  matrix.inputs = transposed ? from.rows : from.columns;
  if (NumbersPerBlock(from.dtype) > 1) {
    OXBOW_CHECK(!transposed);
    const std::vector<char> packed = PackBlocks(from);
    ASSIGN_OR_RETURN(matrix.data, Keep(packed.data(), packed.size()));
  } else if (transposed) {
    const std::vector<char> packed = Transpose(from);
    ASSIGN_OR_RETURN(matrix.data, Keep(packed.data(), packed.size()));
  } else {
    const int64_t count = int64_t{1} * from.rows * from.columns;
    ASSIGN_OR_RETURN(matrix.data, Keep(from.data, BytesOf(from.dtype, count)));
  }
  return matrix;
}

void* CudaOps::Room(size_t index, size_t bytes) {
  if (rooms_.size() <= index) rooms_.resize(index + 1);
  if (rooms_[index].bytes() < bytes) {
    rooms_[index] = DeviceMemory();
    auto memory = DeviceMemory::Make(bytes);
    OXBOW_CHECK_OK(memory.status());
    rooms_[index] = *std::move(memory);
  }
  return rooms_[index].data();
}

DeviceSequences CudaOps::Send(const Sequences& sequences) {
  const auto& row_end = sequences.row_end;
  const auto& states = sequences.states;
  if (std::equal(row_end.begin(), row_end.end(), sent_row_end_.begin(),
                 sent_row_end_.end()) &&
      std::equal(states.begin(), states.end(), sent_states_.begin(),
                 sent_states_.end())) {
    return sent_;
  }
  sent_row_end_.assign(row_end.begin(), row_end.end());
  sent_states_.assign(states.begin(), states.end());
  // The pointers first: they want the larger alignment.
  const size_t count = row_end.size(), rows = row_end.back();
  std::vector<int> ints(row_end.begin(), row_end.end());
  ints.resize(count + rows, -1);
  for (size_t b = 0; b < count; ++b) {
    ints[count + (b == 0 ? 0 : row_end[b - 1])] = static_cast<int>(b);
  }
  const size_t state_bytes = count * sizeof(float*);
  const size_t bytes = state_bytes + ints.size() * sizeof(int);
  if (sequences_memory_.bytes() < bytes) {
    auto memory = DeviceMemory::Make(2 * bytes);
    OXBOW_CHECK_OK(memory.status());
    sequences_memory_ = *std::move(memory);
  }
  char* data = static_cast<char*>(sequences_memory_.data());
  CheckCuda(cudaMemcpyAsync(data, states.data(), state_bytes,
                            cudaMemcpyHostToDevice, stream_));
  CheckCuda(cudaMemcpyAsync(data + state_bytes, ints.data(),
                            ints.size() * sizeof(int), cudaMemcpyHostToDevice,
                            stream_));
  sent_.count = static_cast<int>(count);
  sent_.states = reinterpret_cast<float* const*>(data);
  sent_.row_end = reinterpret_cast<const int*>(data + state_bytes);
  sent_.first_of = sent_.row_end + count;
  return sent_;
}

void CudaOps::Gather(Rows x, const Table& table, absl::Span<const int> tokens) {
  OXBOW_CHECK(x.width == table.width);
  OXBOW_CHECK(x.count == static_cast<int>(tokens.size()));
  for (int token : tokens) {
    OXBOW_CHECK(token >= 0 && token < table.rows) << token;
  }
  const size_t bytes = tokens.size() * sizeof(int);
  if (tokens_.bytes() < bytes) {
    auto memory = DeviceMemory::Make(2 * bytes);
    OXBOW_CHECK_OK(memory.status());
    tokens_ = *std::move(memory);
  }
  CheckCuda(cudaMemcpyAsync(tokens_.data(), tokens.data(), bytes,
                            cudaMemcpyHostToDevice, stream_));
  GatherOnGpu(x, table, static_cast<const int*>(tokens_.data()), stream_);
}

void CudaOps::Norm(Rows y, Rows x, Vector scale, Vector bias, float eps) {
  CheckSameShape(y, x);
  OXBOW_CHECK(scale.size == x.width && bias.size == x.width);
  NormOnGpu(y, x, scale, bias, eps, stream_);
}

void CudaOps::ShiftMix(absl::Span<const Mix> mixes, Rows x,
                       const Sequences& sequences, int64_t offset) {
  PeekMix(mixes, x, sequences, offset);
  KeepLastRowsOnGpu(x, Send(sequences), offset, stream_);
}

void CudaOps::PeekMix(absl::Span<const Mix> mixes, Rows x,
                      const Sequences& sequences, int64_t offset) {
  for (const Mix& mix : mixes) {
    CheckSameShape(mix.y, x);
    OXBOW_CHECK(mix.amount.size == x.width);
    if (mix.more.data != nullptr) CheckSameShape(mix.more, x);
  }
  MixOnGpu(mixes, x, Send(sequences), offset, stream_);
}

void CudaOps::AddGated(Rows x, Rows gate, Rows y) {
  CheckSameShape(x, gate);
  CheckSameShape(x, y);
  AddGatedOnGpu(x, gate, y, stream_);
}

void CudaOps::Multiply(absl::Span<const Product> products) {
  std::map<const float*, GpuShortRows> shortened;  // by Rows::data
  for (const Product& product : products) {
    CheckProduct(product);
    const Rows& x = product.x;
    if (x.count == 0) continue;
    if (NumbersPerBlock(product.w.dtype) == 1) {
      MultiplyOnGpu(product, stream_);
      continue;
    }
    auto found = shortened.find(x.data);
    if (found == shortened.end()) {
      void* room = Room(shortened.size(), ShortRowsBytes(x.count, x.width));
      found =
          shortened.emplace(x.data, ShortRowsAt(room, x.count, x.width)).first;
      ShortenOnGpu(x, found->second, stream_);
    }
    MultiplyBlocksOnGpu(product, found->second, stream_);
  }
}

void CudaOps::Wkv4(const Wkv4Args& args, const Sequences& sequences,
                   int64_t offset) {
  OXBOW_CHECK(args.w.size == args.y.width && args.u.size == args.y.width);
  Wkv4OnGpu(args, Send(sequences), offset, stream_);
}

void CudaOps::Wkv6(const Wkv6Args& args, const Sequences& sequences,
                   int64_t offset) {
  OXBOW_CHECK(args.y.width % args.head_size == 0) << args.head_size;
  Wkv6OnGpu(args, Send(sequences), offset, stream_);
}

void CudaOps::Wkv7(const Wkv7Args& args, const Sequences& sequences,
                   int64_t offset) {
  OXBOW_CHECK(args.y.width % args.head_size == 0) << args.head_size;
  Wkv7OnGpu(args, Send(sequences), offset, stream_);
}

}  // namespace oxbow
