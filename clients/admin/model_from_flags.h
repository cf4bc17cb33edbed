// A model as the command line names it.
#ifndef OXBOW_CLIENTS_ADMIN_MODEL_FROM_FLAGS_H_
#define OXBOW_CLIENTS_ADMIN_MODEL_FROM_FLAGS_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "clients/admin/command.h"
#include "engine/engine.h"
#include "engine/weights/adapter_file.h"
#include "engine/weights/weight_precision.h"
#include "kernels/ops.h"

namespace oxbow::admin {

// As oxbowd takes them.
struct ModelFlags {
  std::string model;
  std::string tokenizer;
  std::vector<AdapterFile> adapters;
  WeightPrecision weights = WeightPrecision::kAsStored;
  Numerics numerics = Numerics::kExact;
  int threads = 0;
};

// Adds --tokenizer, --lora, --weights, --numerics and --threads.
void AddModelFlags(CLI::App* command, ModelFlags* flags);

// Loads it, with room for so many states. Errors have this program's exit
// codes.
absl::StatusOr<ReaderSpec> LoadReader(const ModelFlags& flags, int states,
                                      const Clock* clock,
                                      const Session& session);

}  // namespace oxbow::admin

#endif  // OXBOW_CLIENTS_ADMIN_MODEL_FROM_FLAGS_H_
