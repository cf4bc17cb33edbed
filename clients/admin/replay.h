// verify --replay: checkpoints held against what a model makes of their logs.
#ifndef OXBOW_CLIENTS_ADMIN_REPLAY_H_
#define OXBOW_CLIENTS_ADMIN_REPLAY_H_

#include <cstdint>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "clients/admin/command.h"
#include "clients/admin/model_from_flags.h"
#include "engine/replay_sample.h"

namespace oxbow::admin {

struct ReplayFlags {
  int count = 0;  // 0: replay nothing
  uint64_t seed = 1;
  ModelFlags model;
};

void AddReplayFlags(CLI::App* command, ReplayFlags* flags);

// Loads the model, opens the store for itself and replays a sample. Errors
// have this program's exit codes.
absl::StatusOr<ReplayReport> Replay(const std::string& store,
                                    const ReplayFlags& flags,
                                    const Session& session);

}  // namespace oxbow::admin

#endif  // OXBOW_CLIENTS_ADMIN_REPLAY_H_
