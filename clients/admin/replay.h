// verify --replay: checkpoints held against what a model makes of their logs.
#ifndef OXBOW_CLIENTS_ADMIN_REPLAY_H_
#define OXBOW_CLIENTS_ADMIN_REPLAY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "clients/admin/command.h"
#include "engine/replay_sample.h"
#include "engine/weights/adapter_file.h"
#include "engine/weights/weight_precision.h"
#include "kernels/ops.h"

namespace oxbow::admin {

struct ReplayFlags {
  int count = 0;  // 0: replay nothing
  uint64_t seed = 1;
  // As oxbowd takes them.
  std::string model;
  std::string tokenizer;
  std::vector<AdapterFile> adapters;
  WeightPrecision weights = WeightPrecision::kAsStored;
  Numerics numerics = Numerics::kExact;
  int threads = 0;
};

void AddReplayFlags(CLI::App* command, ReplayFlags* flags);

// Loads the model, opens the store for itself and replays a sample. Errors
// have this program's exit codes.
absl::StatusOr<ReplayReport> Replay(const std::string& store,
                                    const ReplayFlags& flags,
                                    const Session& session);

}  // namespace oxbow::admin

#endif  // OXBOW_CLIENTS_ADMIN_REPLAY_H_
