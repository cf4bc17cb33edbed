// What every reader of a format is put through: a good file, spoiled.
#ifndef OXBOW_ENGINE_WEIGHTS_TESTING_DAMAGE_H_
#define OXBOW_ENGINE_WEIGHTS_TESTING_DAMAGE_H_

#include <memory>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/weights/input_file.h"
#include "engine/weights/tensor_source.h"
#include "engine/weights/testing/mutate.h"
#include "engine/weights/testing/read_everything.h"
#include "gtest/gtest.h"
#include "tests/fuzz/memory_file.h"

namespace oxbow {

// OpenSafetensors and its like.
using OpenFunction =
    absl::StatusOr<std::unique_ptr<TensorSource>> (*)(InputFile file);

// No beginning of the file is taken for the whole.
inline void ExpectNoTruncationIsRead(const std::string& good,
                                     OpenFunction open) {
  EXPECT_TRUE(ReadEverything(open(MemoryFile(good))).ok());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ReadEverything(open(MemoryFile(good.substr(0, size)))).ok())
        << size;
  }
}

// Spoils the first `reach` bytes 3,000 times: what is not read is refused. How
// many are refused.
inline int CountRefusedDamage(const std::string& good, size_t reach,
                              OpenFunction open) {
  std::mt19937 random(1);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    const absl::Status status =
        ReadEverything(open(MemoryFile(Mutate(good, reach, random))));
    if (status.ok()) continue;
    ++refused;
    EXPECT_TRUE(absl::IsInvalidArgument(status) ||
                absl::IsUnimplemented(status))
        << status;
  }
  return refused;
}

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_TESTING_DAMAGE_H_
