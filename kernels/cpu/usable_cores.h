// How many threads may work at once.
#ifndef OXBOW_KERNELS_CPU_USABLE_CORES_H_
#define OXBOW_KERNELS_CPU_USABLE_CORES_H_

#include <string>

namespace oxbow {

// The cores that this process may run on, at least 1: those of its affinity
// (taskset), and no more than its control group's quota, rounded up, gives time
// for (a container's --cpus; cgroup v2's cpu.max, v1's cpu.cfs_quota_us): more
// threads than that would only wait for each other.
//
// `groups` and `own` are for tests: where the groups' files lie, and which file
// says what groups the process is in.
int UsableCores(const std::string& groups = "/sys/fs/cgroup",
                const std::string& own = "/proc/self/cgroup");

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_USABLE_CORES_H_
