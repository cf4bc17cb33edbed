#include "engine/weights/weight_loader.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace oxbow {
namespace {

// The shape without its dimensions of 1.
std::vector<int64_t> Squeezed(absl::Span<const int64_t> shape) {
  std::vector<int64_t> squeezed;
  for (int64_t dimension : shape) {
    if (dimension != 1) squeezed.push_back(dimension);
  }
  return squeezed;
}

// True if any number is NaN or infinite: all exponent bits set.
template <class Bits>
bool AnyNotFinite(const std::vector<char>& bytes, Bits exponent) {
  bool any = false;
  for (size_t i = 0; i < bytes.size(); i += sizeof(Bits)) {
    Bits bits;
    std::memcpy(&bits, bytes.data() + i, sizeof(bits));
    any |= (bits & exponent) == exponent;
  }
  return any;
}

bool AnyNotFinite(const std::vector<char>& bytes, DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return AnyNotFinite<uint32_t>(bytes, 0x7f800000u);
    case DType::kF16:
      return AnyNotFinite<uint16_t>(bytes, 0x7c00u);
    case DType::kBF16:
      return AnyNotFinite<uint16_t>(bytes, 0x7f80u);
  }
  return true;
}

float Widen(uint16_t bits, DType dtype) {
  uint32_t wide;
  if (dtype == DType::kBF16) {
    wide = uint32_t{bits} << 16;
  } else {
    const uint32_t sign = uint32_t{bits & 0x8000u} << 16;
    const uint32_t exponent = (bits >> 10) & 31, fraction = bits & 0x3ff;
    if (exponent == 0) {
      const float magnitude = static_cast<float>(fraction) / 16777216.0f;
      return sign != 0 ? -magnitude : magnitude;
    }
    wide = sign | ((exponent + 112) << 23) | (fraction << 13);
  }
  float number;
  std::memcpy(&number, &wide, sizeof(number));
  return number;
}

std::vector<float> WidenAll(const std::vector<char>& bytes, DType dtype) {
  std::vector<float> numbers(bytes.size() / BytesOf(dtype));
  if (dtype == DType::kF32) {
    std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, bytes.data() + 2 * i, sizeof(bits));
    numbers[i] = Widen(bits, dtype);
  }
  return numbers;
}

}  // namespace

WeightLoader::WeightLoader(
    TensorCatalog* catalog, Ops* ops,
    std::function<void(int64_t done, int64_t total)> on_progress)
    : catalog_(catalog), ops_(ops), on_progress_(std::move(on_progress)) {
  for (const auto& [name, index] : catalog_->names()) {
    bytes_total_ += catalog_->Find(name)->Bytes();
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
                     ShapeText(entry->shape))));
    return nullptr;
  }
  try {
    bytes_.resize(entry->Bytes());
  } catch (const std::bad_alloc&) {
    Fail(absl::ResourceExhaustedError(absl::StrCat(
        name, ": no memory for its ", entry->Bytes() >> 20, " MiB")));
    return nullptr;
  }
  Fail(catalog_->Read(name, absl::MakeSpan(bytes_)));
  if (!status_.ok()) return nullptr;
  if (AnyNotFinite(bytes_, entry->dtype)) {
    Fail(absl::InvalidArgumentError(
        absl::StrCat(name, ": holds a NaN or an infinity")));
    return nullptr;
  }
  seen_.insert(name);
  Sha256Hasher hasher;
  hasher.AddSized(NameOf(entry->dtype));
  hasher.AddSized(ShapeText(shape));
  hasher.AddSized(absl::string_view(bytes_.data(), bytes_.size()));
  digests_[name] = hasher.Finish();
  parameters_ += entry->Count();
  counts_[entry->dtype] += entry->Count();
  bytes_done_ += entry->Bytes();
  if (on_progress_) on_progress_(bytes_done_, bytes_total_);
  return entry;
}

Vector WeightLoader::GetVector(const std::string& name,
                               absl::Span<const int64_t> shape) {
  const TensorEntry* entry = Take(name, shape);
  if (entry == nullptr) return {};
  return Unless(ops_->PackVector(WidenAll(bytes_, entry->dtype)));
}

Matrix WeightLoader::GetMatrix(const std::string& name, int outputs,
                               int inputs) {
  const TensorEntry* entry = Take(name, {outputs, inputs});
  if (entry == nullptr) return {};
  return Unless(ops_->Pack({bytes_.data(), entry->dtype, outputs, inputs},
                           /*transposed=*/false));
}

Matrix WeightLoader::GetTransposed(const std::string& name, int inputs,
                                   int outputs) {
  const TensorEntry* entry = Take(name, {inputs, outputs});
  if (entry == nullptr) return {};
  return Unless(ops_->Pack({bytes_.data(), entry->dtype, inputs, outputs},
                           /*transposed=*/true));
}

Table WeightLoader::GetTable(const std::string& name, int rows, int width) {
  const TensorEntry* entry = Take(name, {rows, width});
  if (entry == nullptr) return {};
  return Unless(ops_->PackTable({bytes_.data(), entry->dtype, rows, width}));
}

void WeightLoader::Ignore(const std::string& name) { seen_.insert(name); }

absl::Status WeightLoader::Finish() const {
  if (!status_.ok()) return status_;
  for (const auto& [name, index] : catalog_->names()) {
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
