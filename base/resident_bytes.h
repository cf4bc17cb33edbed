// What a process holds in memory.
#ifndef OXBOW_BASE_RESIDENT_BYTES_H_
#define OXBOW_BASE_RESIDENT_BYTES_H_

#include <sys/types.h>

#include <cstdint>

namespace oxbow {

// Private memory of a process, in bytes, as the kernel counts it; 0 if there is
// no such process.
int64_t ResidentBytes(pid_t pid);

}  // namespace oxbow

#endif  // OXBOW_BASE_RESIDENT_BYTES_H_
