#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/testing/backend.h"
#include "kernels/testing/cpu_target.h"

namespace oxbow {
namespace {

constexpr int kThreads[] = {1, 3};

std::string NameOf(const CpuTarget& target, int threads) {
  return absl::StrCat(target.name, "Threads", threads);
}

class CpuBackend : public Backend {
 public:
  CpuBackend(const CpuTarget& target, int threads)
      : target_(target), ops_(*CpuOps::Create(threads)) {}
  Ops& ops() override { return *ops_; }

 private:
  const ScopedCpuTarget target_;
  const std::unique_ptr<CpuOps> ops_;
};

}  // namespace

std::vector<std::string> BackendNames() {
  std::vector<std::string> names;
  for (const CpuTarget& target : kCpuTargets) {
    for (int threads : kThreads) names.push_back(NameOf(target, threads));
  }
  return names;
}

std::unique_ptr<Backend> NewBackend(const std::string& name) {
  for (const CpuTarget& target : kCpuTargets) {
    for (int threads : kThreads) {
      if (name != NameOf(target, threads)) continue;
      if (!HasCpuTarget(target)) return nullptr;
      return std::make_unique<CpuBackend>(target, threads);
    }
  }
  OXBOW_CHECK(false) << name;
  return nullptr;
}

}  // namespace oxbow
