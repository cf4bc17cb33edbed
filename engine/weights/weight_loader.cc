#include "engine/weights/weight_loader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "engine/weights/quantize_matrix.h"
#include "engine/weights/rearrange.h"
#include "kernels/blocks.h"

namespace oxbow {
namespace {

// `count` numbers of a tensor as fp32.
std::vector<float> Widened(const char* bytes, const TensorEntry& entry,
                           int64_t count) {
  std::vector<float> numbers(count);
  Dequantize(numbers.data(), bytes, entry.dtype, count);
  return numbers;
}

// Numbers in the canonical order of a tensor that was read the other way round.
std::vector<float> Transposed(const std::vector<float>& from,
                              const TensorEntry& entry) {
  std::vector<int64_t> shape = entry.shape;
  std::swap(shape[shape.size() - 2], shape.back());
  std::vector<float> to(from.size());
  const size_t bytes = from.size() * sizeof(float);
  TransposeNumbers(shape, DType::kF32,
                   {reinterpret_cast<const char*>(from.data()), bytes},
                   {reinterpret_cast<char*>(to.data()), bytes});
  return to;
}

// " (NAME in the file)", if the file has another name for it.
std::string AliasOf(const TensorCatalog& catalog, const std::string& name) {
  const absl::string_view in_file = catalog.NameInFile(name);
  if (in_file == name) return "";
  return absl::StrCat(" (", in_file, " in the file)");
}

}  // namespace

WeightLoader::WeightLoader(
    TensorCatalog* catalog, Ops* ops,
    std::function<void(int64_t done, int64_t total)> on_progress,
    WeightPrecision precision, int threads)
    : catalog_(catalog),
      ops_(ops),
      on_progress_(std::move(on_progress)),
      precision_(precision),
      threads_(threads) {
  for (const auto& [name, stored] : catalog_->names()) {
    bytes_total_ += stored.entry.Bytes();
  }
}

void WeightLoader::Fail(absl::Status status) { status_.Update(status); }

template <class T>
T WeightLoader::Unless(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  Fail(value.status());
  return T();
}

const TensorEntry* WeightLoader::Take(const std::string& name,
                                      absl::Span<const int64_t> shape) {
  if (!status_.ok()) return nullptr;
  const TensorEntry* entry = catalog_->Find(name);
  if (entry == nullptr) {
    Fail(absl::InvalidArgumentError(
        absl::StrCat(name, ": want ", ShapeText(shape), ", file has none")));
    return nullptr;
  }
  if (Squeezed(entry->shape) != Squeezed(shape)) {
    Fail(absl::InvalidArgumentError(
        absl::StrCat(name, ": want ", ShapeText(shape), ", file has ",
                     ShapeText(entry->shape), AliasOf(*catalog_, name))));
    return nullptr;
  }
  if (!MakeRoom(*entry)) return nullptr;
  Fail(catalog_->Read(name, bytes_.span()));
  if (!status_.ok()) return nullptr;
  if (!AllFinite(bytes_.data(), entry->dtype, entry->Count())) {
    Fail(absl::InvalidArgumentError(
        absl::StrCat(name, ": holds a NaN or an infinity")));
    return nullptr;
  }
  taken_ = *entry;
  const bool transposed = catalog_->ReadsTransposed(name);
  const DType kept = KeptAs(*catalog_, name, precision_);
  if (kept != entry->dtype) {
    const int64_t columns = entry->shape.back();
    QuantizeMatrix(&bytes_, entry->Count() / columns, columns, entry->dtype,
                   kept, threads_);
    taken_.dtype = kept;
  }
  seen_.insert(name);
  Sha256Hasher hasher;
  hasher.AddSized(NameOf(taken_.dtype));
  if (transposed) hasher.AddSized("transposed");
  hasher.AddSized(ShapeText(shape));
  hasher.AddSized(absl::string_view(bytes_.data(), bytes_.size()));
  digests_[name] = hasher.Finish();
  parameters_ += taken_.Count();
  counts_[taken_.dtype] += taken_.Count();
  bytes_done_ += entry->Bytes();
  if (on_progress_) on_progress_(bytes_done_, bytes_total_);
  return &taken_;
}

bool WeightLoader::MakeRoom(const TensorEntry& entry) {
  if (bytes_.Resize(entry.Bytes())) return true;
  Fail(absl::ResourceExhaustedError(absl::StrCat(
      entry.name, ": no memory for its ", entry.Bytes() >> 20, " MiB")));
  return false;
}

Vector WeightLoader::GetVector(const std::string& name,
                               absl::Span<const int64_t> shape) {
  return GetVector(name, shape, [](std::vector<float> same) { return same; });
}

Vector WeightLoader::GetVector(
    const std::string& name, absl::Span<const int64_t> shape,
    absl::FunctionRef<std::vector<float>(std::vector<float>)> change) {
  std::vector<float> numbers = GetNumbers(name, shape);
  if (!status_.ok()) return {};
  numbers = change(std::move(numbers));
  for (float number : numbers) {
    if (!std::isfinite(number)) {
      Fail(absl::InvalidArgumentError(
          absl::StrCat(name, ": its numbers become infinite in use")));
      return {};
    }
  }
  return Unless(ops_->PackVector(numbers));
}

std::vector<float> WeightLoader::GetNumbers(const std::string& name,
                                            absl::Span<const int64_t> shape) {
  const TensorEntry* entry = Take(name, shape);
  if (entry == nullptr) return {};
  std::vector<float> numbers = Widened(bytes_.data(), *entry, entry->Count());
  if (catalog_->ReadsTransposed(name)) numbers = Transposed(numbers, *entry);
  return numbers;
}

Matrix WeightLoader::GetMatrix(const std::string& name, int outputs,
                               int inputs) {
  const TensorEntry* entry = Take(name, {outputs, inputs});
  if (entry == nullptr) return {};
  return PackPart(*entry, 0, outputs, inputs, /*transposed=*/false);
}

Matrix WeightLoader::GetTransposed(const std::string& name, int inputs,
                                   int outputs) {
  const TensorEntry* entry = Take(name, {inputs, outputs});
  if (entry == nullptr) return {};
  return PackPart(*entry, 0, inputs, outputs, /*transposed=*/true);
}

std::vector<Matrix> WeightLoader::GetTransposedParts(const std::string& name,
                                                     int parts, int inputs,
                                                     int outputs) {
  const TensorEntry* entry = Take(name, {parts, inputs, outputs});
  if (entry == nullptr) return {};
  std::vector<Matrix> matrices;
  for (int part = 0; part < parts; ++part) {
    matrices.push_back(
        PackPart(*entry, part, inputs, outputs, /*transposed=*/true));
  }
  return matrices;
}

Matrix WeightLoader::PackPart(const TensorEntry& entry, int part, int rows,
                              int columns, bool transposed) {
  if (catalog_->ReadsTransposed(entry.name)) {
    std::swap(rows, columns);
    transposed = !transposed;
  }
  const int64_t count = int64_t{1} * rows * columns;
  const char* bytes = bytes_.data() + part * BytesOf(entry.dtype, count);
  if (!transposed || NumbersPerBlock(entry.dtype) == 1) {
    return Unless(ops_->Pack({bytes, entry.dtype, rows, columns}, transposed));
  }
  // Blocks lie along the outputs then; such matrices are small.
  const std::vector<float> numbers = Widened(bytes, entry, count);
  return Unless(
      ops_->Pack({numbers.data(), DType::kF32, rows, columns}, transposed));
}

Table WeightLoader::GetTable(const std::string& name, int rows, int width) {
  const TensorEntry* entry = Take(name, {rows, width});
  if (entry == nullptr) return {};
  OXBOW_CHECK(!catalog_->ReadsTransposed(name)) << name;
  return Unless(ops_->PackTable({bytes_.data(), entry->dtype, rows, width}));
}

void WeightLoader::Ignore(const std::string& name) { seen_.insert(name); }

absl::Status WeightLoader::Finish() const {
  if (!status_.ok()) return status_;
  for (const auto& [name, stored] : catalog_->names()) {
    if (!seen_.contains(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": a tensor this version of RWKV does not have"));
    }
  }
  return absl::OkStatus();
}

Digest WeightLoader::weights_id() const {
  Sha256Hasher hasher;
  for (const auto& [name, digest] : digests_) {
    hasher.AddSized(name);
    hasher.Add(AsBytes(digest));
  }
  return hasher.Finish();
}

DType WeightLoader::main_dtype() const {
  OXBOW_CHECK(!counts_.empty());
  return std::max_element(
             counts_.begin(), counts_.end(),
             [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace oxbow
