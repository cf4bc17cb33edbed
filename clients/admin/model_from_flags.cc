#include "clients/admin/model_from_flags.h"

#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "clients/cli/call_status.h"
#include "engine/model/load_model.h"
#include "engine/model/load_progress.h"
#include "engine/tokenizer/tokenizer.h"
#include "service/model_flags.h"

namespace oxbow::admin {
namespace {

absl::StatusOr<ReaderSpec> Load(const ModelFlags& flags, int states,
                                const Clock* clock, const Session& session) {
  LoadProgress progress(flags.model, session.err_is_terminal, session.err,
                        clock);
  LoadModelOptions load;
  load.threads = flags.threads;
  load.slots_max = states;
  load.numerics = flags.numerics;
  load.precision = flags.weights;
  load.adapters = flags.adapters;
  load.on_progress = [&progress](int64_t done, int64_t total) {
    progress.Update(done, total);
  };
  absl::StatusOr<std::unique_ptr<Model>> model = LoadModel(flags.model, load);
  progress.Finish();
  RETURN_IF_ERROR(model.status());
  ReaderSpec reader;
  ASSIGN_OR_RETURN(reader.tokenizer,
                   MakeTokenizer(flags.tokenizer, flags.model,
                                 (*model)->info().vocabulary_size));
  reader.model = *std::move(model);
  reader.file_name = flags.model;
  return reader;
}

}  // namespace

void AddModelFlags(CLI::App* command, ModelFlags* flags) {
  command->add_option("--tokenizer", flags->tokenizer, "As oxbowd takes it")
      ->type_name("KIND");
  AddLoraFlag(command, &flags->adapters);
  AddWeightsFlag(command, &flags->weights, "As oxbowd takes it");
  command
      ->add_option_function<std::string>(
          "--numerics",
          [flags](const std::string& kind) {
            flags->numerics =
                kind == "fast" ? Numerics::kFast : Numerics::kExact;
          },
          "As oxbowd takes it: the other kind makes other states")
      ->check(CLI::IsMember({"exact", "fast"}));
  command
      ->add_option("--threads", flags->threads,
                   "Threads that share each step. 0: all cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
}

absl::StatusOr<ReaderSpec> LoadReader(const ModelFlags& flags, int states,
                                      const Clock* clock,
                                      const Session& session) {
  absl::StatusOr<ReaderSpec> reader = Load(flags, states, clock, session);
  if (!reader.ok()) return cli::WithExit(reader.status(), cli::kExitNoInput);
  return reader;
}

}  // namespace oxbow::admin
