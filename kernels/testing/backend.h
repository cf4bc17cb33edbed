// A backend for tests of the ops. Linked are cpu_backends or cuda_backends.
#ifndef OXBOW_KERNELS_TESTING_BACKEND_H_
#define OXBOW_KERNELS_TESTING_BACKEND_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/ops.h"

namespace oxbow {

// Ops, and whatever must be so while they are used. One at a time.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual Ops& ops() = 0;
};

class OwnedBackend : public Backend {
 public:
  explicit OwnedBackend(std::unique_ptr<Ops> ops) : ops_(std::move(ops)) {}
  Ops& ops() override { return *ops_; }

 private:
  const std::unique_ptr<Ops> ops_;
};

// Names of the backends to test, as parts of names of tests. All of them give
// the same bits.
std::vector<std::string> BackendNames();

// Null if this machine lacks it.
std::unique_ptr<Backend> NewBackend(const std::string& name);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_TESTING_BACKEND_H_
