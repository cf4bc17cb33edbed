#include "engine/model/block_loader.h"

#include "absl/strings/str_cat.h"

namespace oxbow {
namespace {

constexpr char kTimeState[] = "att.time_state";

float Same(float number) { return number; }

}  // namespace

BlockLoader::BlockLoader(WeightLoader& loader, const TensorCatalog& catalog,
                         const ModelConfig& config, int layer)
    : loader_(loader), catalog_(catalog), config_(config), layer_(layer) {}

std::string BlockLoader::NameOf(absl::string_view name) const {
  return absl::StrCat("blocks.", layer_, ".", name);
}

bool BlockLoader::Has(absl::string_view name) const {
  return catalog_.Find(absl::StrCat("blocks.0.", name)) != nullptr;
}

int BlockLoader::SizeOf(absl::string_view name, size_t dimension) const {
  const TensorEntry* entry = catalog_.Find(NameOf(name));
  if (entry == nullptr || entry->shape.size() <= dimension) return 1;
  return static_cast<int>(entry->shape[dimension]);
}

Vector BlockLoader::GetVector(absl::string_view name) {
  return GetVector(name, Same);
}

Vector BlockLoader::GetVector(absl::string_view name, Change change) {
  return loader_.GetVector(NameOf(name), {config_.width},
                           [&](std::vector<float> numbers) {
                             for (float& number : numbers) {
                               number = change(number);
                             }
                             return numbers;
                           });
}

Vector BlockLoader::GetHeads(absl::string_view name) {
  return GetHeads(name, Same);
}

Vector BlockLoader::GetHeads(absl::string_view name, Change change) {
  const int heads = config_.width / config_.head_size;
  const TensorEntry* entry = catalog_.Find(NameOf(name));
  std::vector<int64_t> shape = {heads};
  if (entry == nullptr || entry->Count() != heads) {
    shape.push_back(config_.head_size);
  }
  return loader_.GetVector(
      NameOf(name), shape, [&](const std::vector<float>& numbers) {
        const int repeats = config_.width / static_cast<int>(numbers.size());
        std::vector<float> expanded;
        for (float number : numbers) {
          expanded.insert(expanded.end(), repeats, change(number));
        }
        return expanded;
      });
}

Vector BlockLoader::GetPastShare(absl::string_view mix) {
  return GetVector(mix, [](float share) { return 1.0f - share; });
}

Matrix BlockLoader::GetMatrix(absl::string_view name, int outputs, int inputs) {
  return loader_.GetMatrix(NameOf(name), outputs, inputs);
}

Matrix BlockLoader::GetSquare(absl::string_view name) {
  return GetMatrix(name, config_.width, config_.width);
}

LowRank BlockLoader::GetLowRank(absl::string_view down, absl::string_view up) {
  LowRank pair;
  pair.down = GetDown(down);
  pair.up = GetUp(up, SizeOf(down, 1));
  return pair;
}

Matrix BlockLoader::GetDown(absl::string_view name) {
  return GetDown(name, SizeOf(name, 1));
}

Matrix BlockLoader::GetDown(absl::string_view name, int rank) {
  return loader_.GetTransposed(NameOf(name), config_.width, rank);
}

Matrix BlockLoader::GetUp(absl::string_view name, int rank) {
  return loader_.GetTransposed(NameOf(name), rank, config_.width);
}

std::vector<Matrix> BlockLoader::GetUps(absl::string_view name, int parts,
                                        int rank) {
  return loader_.GetTransposedParts(NameOf(name), parts, rank, config_.width);
}

void BlockLoader::Ignore(absl::string_view name) {
  loader_.Ignore(NameOf(name));
}

std::vector<float> BlockLoader::InitialHeads() {
  const int size = config_.head_size;
  const int heads = config_.width / size;
  std::vector<float> initial(size_t{1} * config_.width * size, 0.0f);
  if (!Has(kTimeState)) return initial;
  const std::vector<float> tuned =
      loader_.GetNumbers(NameOf(kTimeState), {heads, size, size});
  if (tuned.empty()) return initial;
  for (int h = 0; h < heads; ++h) {
    const size_t first = size_t{1} * h * size * size;
    for (int value = 0; value < size; ++value) {
      for (int key = 0; key < size; ++key) {
        initial[first + key * size + value] = tuned[first + value * size + key];
      }
    }
  }
  return initial;
}

}  // namespace oxbow
