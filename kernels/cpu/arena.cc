#include "kernels/cpu/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

constexpr size_t kHugePageBytes = size_t{2} << 20;
constexpr size_t kBlockBytes = size_t{32} << 20;
constexpr size_t kAlignment = 64;

size_t RoundUp(size_t bytes, size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

size_t MachineBytes() {
  return static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

Arena::~Arena() {
  for (const Block& block : blocks_) {
    munmap(block.mapping, block.mapping_bytes);
  }
}

absl::StatusOr<void*> Arena::Allocate(size_t bytes) {
  if (bytes > MachineBytes() || total_bytes_ > MachineBytes() - bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the weights need more memory than the machine's ",
                     MachineBytes() >> 20, " MiB"));
  }
  const size_t rounded = RoundUp(bytes, kAlignment);
  if (rounded > left_bytes_) RETURN_IF_ERROR(AddBlock(rounded));
  void* piece = next_;
  next_ += rounded;
  left_bytes_ -= rounded;
  total_bytes_ += rounded;
  return piece;
}

absl::Status Arena::AddBlock(size_t bytes) {
  const size_t wanted = std::max(kBlockBytes, RoundUp(bytes, kHugePageBytes));
  const size_t mapping_bytes = wanted + kHugePageBytes;
  void* mapping = mmap(nullptr, mapping_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the system refuses ", mapping_bytes >> 20, " MiB for weights"));
  }
  blocks_.push_back({mapping, mapping_bytes});
  next_ = reinterpret_cast<char*>(
      RoundUp(reinterpret_cast<uintptr_t>(mapping), kHugePageBytes));
  left_bytes_ = wanted;
  // Only a hint: small pages do as well, a little slower.
  (void)madvise(next_, wanted, MADV_HUGEPAGE);
  return absl::OkStatus();
}

}  // namespace oxbow
