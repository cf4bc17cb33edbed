// What a process has computed.
#ifndef OXBOW_BASE_CPU_SECONDS_H_
#define OXBOW_BASE_CPU_SECONDS_H_

#include <sys/types.h>

namespace oxbow {

// Processor time that a process has used, its threads' all together; 0 if there
// is no such process.
double CpuSeconds(pid_t pid);

}  // namespace oxbow

#endif  // OXBOW_BASE_CPU_SECONDS_H_
