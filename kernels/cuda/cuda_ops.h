// The ops on an NVIDIA GPU.
#ifndef OXBOW_KERNELS_CUDA_CUDA_OPS_H_
#define OXBOW_KERNELS_CUDA_CUDA_OPS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/device_memory.h"
#include "kernels/cuda/device_sequences.h"
#include "kernels/ops.h"

namespace oxbow {

// Puts each op into one stream of the device, as kernels of rows.h, product.h,
// block_product.h and wkv.h. Its memory is the device's: what Rows, Vector and
// the others point to is not for the host to read.
//
// kExact gives the bits of CpuOps, on every GPU: the order of every sum is that
// of ops.h, and sums and products round as IEEE says. So its numerics id is the
// CPU's, and a stream may go on from a state that either of them made.
class CudaOps : public Ops {
 public:
  // On device number `device`, as CUDA counts. Unavailable if there is none
  // such, or its driver is older than this CUDA; Unimplemented for kFast.
  static absl::StatusOr<std::unique_ptr<CudaOps>> Create(
      int device, Numerics numerics = Numerics::kExact);
  ~CudaOps() override;
  CudaOps(const CudaOps&) = delete;
  CudaOps& operator=(const CudaOps&) = delete;

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
  explicit CudaOps(cudaStream_t stream) : stream_(stream) {}

  // Weights: bytes that live as long as this.
  absl::StatusOr<const void*> Keep(const void* from, size_t bytes);
  // `sequences` on the device. The layers of a step ask for the same ones: they
  // are sent once.
  DeviceSequences Send(const Sequences& sequences);
  // At least so many bytes of the room `index`, whose contents go.
  void* Room(size_t index, size_t bytes);

  const cudaStream_t stream_;
  std::vector<DeviceMemory> weights_;
  std::vector<DeviceMemory> rooms_;
  DeviceMemory tokens_;
  DeviceMemory sequences_memory_;
  std::vector<int> sent_row_end_;
  std::vector<float*> sent_states_;
  DeviceSequences sent_;
};

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CUDA_CUDA_OPS_H_
