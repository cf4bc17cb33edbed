#include "tools/model/load_chosen.h"

#include <iostream>

#include "base/clock.h"
#include "engine/model/load_model.h"
#include "engine/model/load_progress.h"

namespace oxbow {

absl::StatusOr<std::unique_ptr<Model>> LoadChosen(const ModelChoice& choice,
                                                  bool is_terminal) {
  const RealClock clock;
  LoadProgress progress(choice.path, is_terminal, &std::cerr, &clock);
  LoadModelOptions options;
  options.slots_max = 1;
  options.adapters = choice.adapters;
  options.precision = choice.weights;
  options.on_progress = [&progress](int64_t done, int64_t total) {
    progress.Update(done, total);
  };
  absl::StatusOr<std::unique_ptr<Model>> model =
      LoadModel(choice.path, options);
  progress.Finish();
  return model;
}

}  // namespace oxbow
