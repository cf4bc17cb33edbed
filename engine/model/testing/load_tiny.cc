#include "engine/model/testing/load_tiny.h"

#include <algorithm>

#include "base/check.h"
#include "base/status_macros.h"
#include "engine/model/load_model.h"
#include "gtest/gtest.h"

namespace oxbow {

std::string PathOf(const std::string& name) {
  return testing::TempDir() + "/" + name;
}

absl::StatusOr<std::unique_ptr<Model>> Load(const Tensors& tensors,
                                            const std::string& name,
                                            DType dtype) {
  RETURN_IF_ERROR(WriteTensors(tensors, dtype, PathOf(name)));
  LoadModelOptions options;
  options.threads = 1;
  options.slots_max = 3;
  return LoadModel(PathOf(name), options);
}

std::unique_ptr<Model> LoadTiny(const TinyModelOptions& options,
                                const std::string& name) {
  auto model = Load(MakeTinyTensors(options), name, options.dtype);
  OXBOW_CHECK_OK(model.status());
  return *std::move(model);
}

TinyTensor& Named(Tensors& tensors, const std::string& name) {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(),
                   [&](const TinyTensor& t) { return t.name == name; });
  OXBOW_CHECK(found != tensors.end()) << name;
  return *found;
}

void Drop(Tensors& tensors, const std::string& name) {
  tensors.erase(tensors.begin() + (&Named(tensors, name) - tensors.data()));
}

std::vector<float> Read(Model& model, StateSlot slot,
                        const std::vector<int>& tokens) {
  Batch batch;
  batch.tokens = tokens;
  batch.row_end = {static_cast<int>(tokens.size())};
  batch.slots = {slot};
  batch.hidden_rows = {batch.row_end[0] - 1};
  std::vector<float> hidden(model.info().width);
  model.Step(batch, absl::MakeSpan(hidden));
  return hidden;
}

std::string StateOf(const Model& model, StateSlot slot) {
  std::string state(model.info().state_bytes, '\0');
  model.ReadState(slot, absl::MakeSpan(state.data(), state.size()));
  return state;
}

}  // namespace oxbow
