#include "engine/weights/lora_file.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "engine/weights/open_tensors.h"
#include "kernels/blocks.h"

namespace oxbow {
namespace {

// Files that are known and not read, by a part of their tensors' names.
struct Unread {
  absl::string_view part;
  absl::string_view what;
};
constexpr Unread kUnread[] = {
    {"base_model.", "an adapter of Hugging Face's PEFT"},
    {".lora_A.", "an adapter of Hugging Face's PEFT"},
    {".lora_B.", "an adapter of Hugging Face's PEFT"},
    {"lora_embedding_", "an adapter of Hugging Face's PEFT"},
    {"lora_magnitude_", "an adapter of DoRA"},
    {".init_lora_", "the first state of a PiSSA training"},
    {".disha", "an adapter of DiSHA"},
    {".bone", "an adapter of Bone"},
    {".gbmm", "an adapter of Bone"}};

std::string CanonicalName(absl::string_view name) {
  absl::ConsumePrefix(&name, "model.");
  absl::ConsumePrefix(&name, "rwkv.");
  return std::string(name);
}

}  // namespace

absl::StatusOr<LoraFile> LoraFile::Open(const std::string& path) {
  absl::StatusOr<std::unique_ptr<TensorSource>> source = OpenTensors(path);
  if (!source.ok()) {
    const absl::string_view message = source.status().message();
    if (absl::StrContains(message, path)) return source.status();
    return absl::Status(source.status().code(),
                        absl::StrCat(path, ": ", message));
  }
  LoraFile file(path, *std::move(source));
  const int count = static_cast<int>(file.source_->entries().size());
  for (int i = 0; i < count; ++i) RETURN_IF_ERROR(file.Add(i));
  RETURN_IF_ERROR(file.CheckPairs());
  return file;
}

absl::Status LoraFile::Fault(int index, absl::string_view what) const {
  return absl::InvalidArgumentError(
      absl::StrCat(path_, ": ", entry(index).name, ": ", what));
}

absl::Status LoraFile::Add(int index) {
  const std::string& in_file = entry(index).name;
  for (const Unread& unread : kUnread) {
    if (absl::StrContains(in_file, unread.part)) {
      return absl::UnimplementedError(absl::StrCat(
          path_, ": ", in_file, ": ", unread.what,
          ", which Oxbow does not read; merge it into the model where it was "
          "trained"));
    }
  }
  if (entry(index).transposed) return Fault(index, "is transposed");
  const std::string name = CanonicalName(in_file);
  absl::string_view stem = name;
  int* place = nullptr;
  if (absl::ConsumeSuffix(&stem, ".lora_A")) {
    place = &pairs_[absl::StrCat(stem, ".weight")].a;
  } else if (absl::ConsumeSuffix(&stem, ".lora_B")) {
    place = &pairs_[absl::StrCat(stem, ".weight")].b;
  } else {
    place = &tensors_.try_emplace(name, -1).first->second;
  }
  if (*place >= 0) return Fault(index, "is there twice");
  *place = index;
  return absl::OkStatus();
}

absl::Status LoraFile::CheckPairs() {
  for (auto& [name, pair] : pairs_) {
    if (pair.a < 0) return Fault(pair.b, "has no lora_A beside it");
    if (pair.b < 0) return Fault(pair.a, "has no lora_B beside it");
    const std::vector<int64_t>& a = entry(pair.a).shape;
    const std::vector<int64_t>& b = entry(pair.b).shape;
    if (a.size() != 2 || b.size() != 2 || a[0] != b[1]) {
      return Fault(pair.a, absl::StrCat("want [rank,inputs], and [outputs,rank]"
                                        " in its lora_B; file has ",
                                        ShapeText(a), " and ", ShapeText(b)));
    }
    pair.rank = static_cast<int>(a[0]);
  }
  const bool has_state =
      std::any_of(tensors_.begin(), tensors_.end(), [](const auto& tensor) {
        return absl::EndsWith(tensor.first, ".att.time_state");
      });
  if (!pairs_.empty() || has_state) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      path_, ": no adapter: has neither a lora_A nor a time_state"));
}

absl::Status LoraFile::Read(int index, absl::Span<char> bytes) {
  const absl::Status status = source_->Read(index, bytes);
  if (status.ok() || absl::StrContains(status.message(), path_)) return status;
  return absl::Status(status.code(),
                      absl::StrCat(path_, ": ", status.message()));
}

absl::StatusOr<std::vector<float>> LoraFile::ReadNumbers(int index) {
  const TensorEntry& tensor = entry(index);
  std::vector<char> bytes(tensor.Bytes());
  RETURN_IF_ERROR(Read(index, absl::MakeSpan(bytes)));
  if (!AllFinite(bytes.data(), tensor.dtype, tensor.Count())) {
    return Fault(index, "holds a NaN or an infinity");
  }
  std::vector<float> numbers(tensor.Count());
  Dequantize(numbers.data(), bytes.data(), tensor.dtype, tensor.Count());
  return numbers;
}

}  // namespace oxbow
