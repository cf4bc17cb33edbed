#include "kernels/cpu/usable_cores.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace oxbow {
namespace {

constexpr double kNoQuota = std::numeric_limits<double>::infinity();

// A missing file, or "max", is no quota.
double QuotaIn(const std::string& folder) {
  double quota = 0, period = 0;
  std::ifstream both(folder + "/cpu.max");
  if (both >> quota >> period && quota > 0 && period > 0) return quota / period;
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us");
  std::ifstream period_file(folder + "/cpu.cfs_period_us");
  if (quota_file >> quota && period_file >> period && quota > 0 && period > 0) {
    return quota / period;
  }
  return kNoQuota;
}

// The least of a group's quota and those of the groups around it.
double QuotaOf(const std::string& root, std::string group) {
  double quota = QuotaIn(root);
  while (group.size() > 1) {
    quota = std::min(quota, QuotaIn(root + group));
    group.resize(group.rfind('/'));
  }
  return quota;
}

}  // namespace

int UsableCores(const std::string& groups, const std::string& own) {
  // Counts the cores of the affinity.
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  double quota = kNoQuota;
  std::ifstream lines(own);
  for (std::string line; std::getline(lines, line);) {
    // HIERARCHY:CONTROLLERS:GROUP; v2 has no controllers.
    const std::vector<std::string> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() < 3 || !absl::StartsWith(parts[2], "/")) continue;
    const std::vector<absl::string_view> controllers =
        absl::StrSplit(parts[1], ',');
    if (parts[1].empty()) {
      quota = std::min(quota, QuotaOf(groups, parts[2]));
    } else if (std::count(controllers.begin(), controllers.end(), "cpu") > 0) {
      quota = std::min(quota,
                       QuotaOf(absl::StrCat(groups, "/", parts[1]), parts[2]));
      quota = std::min(quota, QuotaOf(groups + "/cpu", parts[2]));
    }
  }
  return static_cast<int>(std::min<double>(cores, std::ceil(quota)));
}

}  // namespace oxbow
