#include "engine/weights/pickle.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/weights/pickle_machine.h"
#include "engine/weights/tensor_source.h"

namespace oxbow {
namespace {

constexpr size_t kKeyBytesMax = 128;
constexpr size_t kRerankerLayersMax = 256;
constexpr absl::string_view kRerankerLayers = "reranker_layer_idx";

DType DTypeOf(PickleGlobal storage) {
  switch (storage) {
    case PickleGlobal::kFloatStorage:
      return DType::kF32;
    case PickleGlobal::kHalfStorage:
      return DType::kF16;
    default:
      return DType::kBF16;
  }
}

absl::StatusOr<std::vector<int64_t>> NumbersOf(const PickleMachine& machine,
                                               const PickleValue& tuple) {
  // A shape of a million dimensions is refused here; CheckShape knows more.
  if (tuple.items.size() > 16) {
    return machine.Fault("a shape of too many dimensions");
  }
  std::vector<int64_t> numbers;
  for (PickleIndex item : tuple.items) {
    if (machine.value(item).kind != PickleKind::kInt) {
      return machine.Fault("a shape that is not made of numbers");
    }
    numbers.push_back(machine.value(item).number);
  }
  return numbers;
}

absl::StatusOr<PickledTensor> TensorOf(const PickleMachine& machine,
                                       const PickleValue& name,
                                       const PickleValue& tensor) {
  if (name.kind != PickleKind::kString) {
    return machine.Fault("a tensor whose name is not a string");
  }
  PickledTensor result;
  // One byte more than is allowed is enough to be refused later.
  result.name = std::string(name.text.substr(0, kNameBytesMax + 1));
  if (tensor.kind != PickleKind::kTensor) {
    return absl::InvalidArgumentError(
        absl::StrCat(absl::CEscape(result.name), ": is not a tensor"));
  }
  const std::vector<PickleIndex>& parts = tensor.items;
  const PickleValue& storage = machine.value(parts[0]);
  result.dtype = DTypeOf(storage.global);
  result.storage_key = std::string(storage.text.substr(0, kKeyBytesMax));
  result.storage_count = storage.number;
  result.offset = machine.value(parts[1]).number;
  ASSIGN_OR_RETURN(result.shape, NumbersOf(machine, machine.value(parts[2])));
  ASSIGN_OR_RETURN(result.strides, NumbersOf(machine, machine.value(parts[3])));
  return result;
}

absl::StatusOr<std::vector<int64_t>> LayersOf(const PickleMachine& machine,
                                              const PickleValue& list) {
  const auto bad = [] {
    return absl::InvalidArgumentError(
        absl::StrCat(kRerankerLayers, ": want a list of at most ",
                     kRerankerLayersMax, " whole numbers"));
  };
  if (list.kind != PickleKind::kList ||
      list.items.size() > kRerankerLayersMax) {
    return bad();
  }
  std::vector<int64_t> layers;
  for (PickleIndex item : list.items) {
    if (machine.value(item).kind != PickleKind::kInt) return bad();
    layers.push_back(machine.value(item).number);
  }
  return layers;
}

bool IsRerankerLayers(const PickleValue& name) {
  return name.kind == PickleKind::kString && name.text == kRerankerLayers;
}

}  // namespace

absl::StatusOr<PickledFile> ReadPickle(absl::string_view pickle) {
  PickleMachine machine(pickle);
  RETURN_IF_ERROR(machine.Run());
  const std::vector<PickleIndex>& items = machine.result().items;
  if (items.size() / 2 > kTensorsMax) {
    return machine.Fault(absl::StrCat(items.size() / 2, " tensors, at most ",
                                      kTensorsMax, " are read"));
  }
  PickledFile file;
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (IsRerankerLayers(machine.value(items[i]))) {
      ASSIGN_OR_RETURN(file.reranker_layers,
                       LayersOf(machine, machine.value(items[i + 1])));
      continue;
    }
    ASSIGN_OR_RETURN(PickledTensor tensor,
                     TensorOf(machine, machine.value(items[i]),
                              machine.value(items[i + 1])));
    file.tensors.push_back(std::move(tensor));
  }
  return file;
}

}  // namespace oxbow
