#include "tools/model/tuned_state.h"

#include <fstream>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/model_id.h"
#include "engine/state_file.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/weights/lora_file.h"
#include "tools/model/write_whole.h"

namespace oxbow {
namespace {

std::string StateName(int layer) {
  return absl::StrCat("blocks.", layer, ".att.time_state");
}

// Nothing is in the file but a state for each of the model's layers.
absl::Status CheckTuned(const LoraFile& file, int layers) {
  for (int layer = 0; layer < layers; ++layer) {
    if (file.tensors().contains(StateName(layer))) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(file.path(), ": no ", StateName(layer),
                     ", and the model has ", layers, " layers"));
  }
  for (const auto& [name, pair] : file.pairs()) {
    return file.Fault(pair.a, "want only time_state in a tuned state");
  }
  if (static_cast<int>(file.tensors().size()) == layers) {
    return absl::OkStatus();
  }
  for (const auto& [name, index] : file.tensors()) {
    if (absl::EndsWith(name, ".att.time_state")) continue;
    return file.Fault(index, "want only time_state in a tuned state");
  }
  return absl::InvalidArgumentError(
      absl::StrCat(file.path(), ": has ", file.tensors().size(),
                   " states, and the model has ", layers, " layers"));
}

// Of a stream of this model that has read nothing; all but its state.
absl::StatusOr<StateFile> EmptyStream(const Model& model,
                                      const ModelChoice& choice) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Tokenizer> tokenizer,
                   MakeTokenizer(choice.tokenizer, choice.path,
                                 model.info().vocabulary_size));
  StateFile file;
  file.model_id = ModelId(model, *tokenizer);
  file.layout_id = model.info().layout_id;
  file.numerics_id = model.info().numerics_id;
  file.id_chain = file.model_id;  // A chain begins so.
  return file;
}

}  // namespace

absl::Status WriteTunedState(const TunedStateFlags& flags, bool is_terminal,
                             std::ostream* out) {
  ASSIGN_OR_RETURN(const LoraFile tuned, LoraFile::Open(flags.tuned));
  StateFile file;
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<Model> plain,
                     LoadChosen(flags.model, is_terminal));
    RETURN_IF_ERROR(CheckTuned(tuned, plain->info().layers));
    ASSIGN_OR_RETURN(file, EmptyStream(*plain, flags.model));
  }
  ModelChoice with_state = flags.model;
  with_state.adapters.push_back({flags.tuned});
  ASSIGN_OR_RETURN(const std::unique_ptr<Model> model,
                   LoadChosen(with_state, is_terminal));
  ASSIGN_OR_RETURN(const StateSlot slot, model->NewState());
  file.state.resize(model->info().state_bytes);
  model->ReadState(slot, absl::MakeSpan(file.state.data(), file.state.size()));
  const std::string bytes = EncodeStateFile(file);
  RETURN_IF_ERROR(WriteWhole(flags.to, [&](std::ofstream& whole) {
    whole << bytes;
    return absl::OkStatus();
  }));
  *out << flags.to << ": the state of a stream that has read nothing, "
       << bytes.size() << " bytes, for model " << ToHex(file.model_id)
       << std::endl;
  return absl::OkStatus();
}

}  // namespace oxbow
