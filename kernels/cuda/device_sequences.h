// Which rows belong together, where kernels can read it.
#ifndef OXBOW_KERNELS_CUDA_DEVICE_SEQUENCES_H_
#define OXBOW_KERNELS_CUDA_DEVICE_SEQUENCES_H_

namespace oxbow {

// Sequences of ops.h on the device.
struct DeviceSequences {
  int count = 0;                   // B
  const int* row_end = nullptr;    // [B]
  const int* first_of = nullptr;   // [N] b if row n is the first of b, else -1
  float* const* states = nullptr;  // [B]
};

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CUDA_DEVICE_SEQUENCES_H_
