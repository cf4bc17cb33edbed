// Models from tensors in a test's own hands.
#ifndef OXBOW_ENGINE_MODEL_TESTING_LOAD_TINY_H_
#define OXBOW_ENGINE_MODEL_TESTING_LOAD_TINY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/model/model.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {

using Tensors = std::vector<TinyTensor>;

// In the folder of the test.
std::string PathOf(const std::string& name);

// Writes the tensors to a file of this name and loads it: one thread, three
// slots.
absl::StatusOr<std::unique_ptr<Model>> Load(const Tensors& tensors,
                                            const std::string& name,
                                            DType dtype = DType::kBF16);
// The same of a tiny model; the test ends if it cannot be loaded.
std::unique_ptr<Model> LoadTiny(const TinyModelOptions& options,
                                const std::string& name = "m.safetensors");

TinyTensor& Named(Tensors& tensors, const std::string& name);
void Drop(Tensors& tensors, const std::string& name);

// Reads tokens; the hidden row of the last.
std::vector<float> Read(Model& model, StateSlot slot,
                        const std::vector<int>& tokens);

std::string StateOf(const Model& model, StateSlot slot);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MODEL_TESTING_LOAD_TINY_H_
