#include "engine/weights/merged_tensors.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "engine/weights/byte_buffer.h"
#include "engine/weights/for_each_part.h"
#include "engine/weights/narrow_numbers.h"
#include "engine/weights/rearrange.h"
#include "kernels/blocks.h"
#include "kernels/cpu/low_rank_row.h"

namespace oxbow {
namespace {

bool HasBlocks(DType dtype) { return NumbersPerBlock(dtype) > 1; }

// A pair at hand.
struct LowRank {
  std::vector<float> a;  // [rank, columns]
  std::vector<float> b;  // [rows, rank]
  int rank = 0;
  float scale = 1.0f;
};

// Makes rows [rows, columns] of `to` from those of `from`, each with all
// changes. False if a number does not fit `to`. Both may lie at one place if
// their dtypes are the same.
bool MergeRows(const char* from, DType from_dtype, char* to, DType to_dtype,
               int64_t rows, int64_t columns,
               const std::vector<LowRank>& changes, int threads) {
  const int64_t parts = std::max<int64_t>(1, std::min<int64_t>(threads, rows));
  std::atomic<bool> all_fit{true};
  ForEachPart(parts, [&](int64_t part) {
    std::vector<float> numbers(columns);
    const int64_t end = rows * (part + 1) / parts;
    for (int64_t row = rows * part / parts; row < end; ++row) {
      Dequantize(numbers.data(), from + row * BytesOf(from_dtype, columns),
                 from_dtype, columns);
      for (const LowRank& change : changes) {
        AddLowRankRow(numbers.data(), &change.b[row * change.rank],
                      change.a.data(), change.rank, static_cast<int>(columns),
                      change.scale);
      }
      if (!NarrowNumbers(to + row * BytesOf(to_dtype, columns), numbers.data(),
                         to_dtype, columns)) {
        all_fit = false;
      }
    }
  });
  return all_fit;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TensorSource>> MergedTensors::Make(
    TensorCatalog base, absl::Span<const AdapterFile> files, int threads) {
  auto merged = absl::WrapUnique(new MergedTensors(std::move(base), threads));
  for (const AdapterFile& file : files) RETURN_IF_ERROR(merged->Add(file));
  merged->ListEntries();
  return std::unique_ptr<TensorSource>(std::move(merged));
}

absl::Status MergedTensors::Add(const AdapterFile& file) {
  ASSIGN_OR_RETURN(LoraFile opened, LoraFile::Open(file.path));
  files_.push_back(std::move(opened));
  const int index = static_cast<int>(files_.size()) - 1;
  for (const auto& [name, tensor] : files_[index].tensors()) {
    RETURN_IF_ERROR(AddTensor(name, index, tensor));
  }
  for (const auto& [name, pair] : files_[index].pairs()) {
    RETURN_IF_ERROR(AddChange(name, {index, pair, file.scale}));
  }
  return absl::OkStatus();
}

absl::Status MergedTensors::AddTensor(const std::string& name, int file,
                                      int tensor) {
  const TensorEntry& here = files_[file].entry(tensor);
  const TensorEntry* there = base_.Find(name);
  if (there == nullptr && !absl::EndsWith(name, ".att.time_state")) {
    return files_[file].Fault(tensor, "the model has no such tensor");
  }
  if (there != nullptr && Squeezed(there->shape) != Squeezed(here.shape)) {
    return files_[file].Fault(
        tensor,
        absl::StrCat("want ", ShapeText(there->shape),
                     " as the model has, file has ", ShapeText(here.shape)));
  }
  parts_[name] = {file, tensor, {}};
  return absl::OkStatus();
}

absl::Status MergedTensors::AddChange(const std::string& name, Change change) {
  const LoraFile& file = files_[change.file];
  if (base_.Find(name) == nullptr) {
    return file.Fault(change.pair.a, absl::StrCat("the model has no ", name));
  }
  Part& part = parts_[name];
  // Only low-rank matrices are, and none of them is called NAME.weight.
  OXBOW_CHECK(part.file >= 0 || !base_.ReadsTransposed(name)) << name;
  const std::vector<int64_t> shape = EntryBefore(name, part).shape;
  const int64_t inputs = file.entry(change.pair.a).shape[1];
  const int64_t outputs = file.entry(change.pair.b).shape[0];
  if (shape != std::vector<int64_t>{outputs, inputs}) {
    return file.Fault(change.pair.a,
                      absl::StrCat("changes a matrix [", outputs, ",", inputs,
                                   "], and ", name, " is ", ShapeText(shape)));
  }
  if (change.pair.rank > std::min(outputs, inputs)) {
    return file.Fault(
        change.pair.a,
        absl::StrCat("has rank ", change.pair.rank, ", more than ", name, " ",
                     ShapeText(shape), " can have"));
  }
  part.changes.push_back(change);
  return absl::OkStatus();
}

TensorEntry MergedTensors::EntryBefore(const std::string& name,
                                       const Part& part) const {
  TensorEntry entry =
      part.file < 0 ? *base_.Find(name) : files_[part.file].entry(part.tensor);
  entry.name = name;
  return entry;
}

void MergedTensors::ListEntries() {
  for (const auto& [name, stored] : base_.names()) {
    if (parts_.contains(name)) continue;
    TensorEntry entry = stored.entry;
    if (base_.ReadsTransposed(name)) {
      std::swap(entry.shape[entry.shape.size() - 2], entry.shape.back());
      entry.transposed = true;
    }
    entries_.push_back(std::move(entry));
  }
  for (const auto& [name, part] : parts_) {
    TensorEntry entry = EntryBefore(name, part);
    if (!part.changes.empty() && HasBlocks(entry.dtype)) {
      entry.dtype = DType::kF16;
    }
    entries_.push_back(std::move(entry));
  }
}

SourceFacts MergedTensors::facts() const {
  SourceFacts facts = base_.facts();
  facts.is_canonical = true;
  return facts;
}

absl::Status MergedTensors::ReadBefore(const std::string& name,
                                       const Part& part,
                                       absl::Span<char> bytes) {
  if (part.file < 0) return base_.Read(name, bytes);
  return files_[part.file].Read(part.tensor, bytes);
}

absl::Status MergedTensors::Read(int index, absl::Span<char> bytes) {
  const TensorEntry& entry = entries_[index];
  const auto found = parts_.find(entry.name);
  if (found == parts_.end()) return base_.Read(entry.name, bytes);
  const Part& part = found->second;
  if (part.changes.empty()) return ReadBefore(entry.name, part, bytes);

  std::vector<LowRank> changes;
  for (const Change& change : part.changes) {
    LowRank pair;
    ASSIGN_OR_RETURN(pair.a, files_[change.file].ReadNumbers(change.pair.a));
    ASSIGN_OR_RETURN(pair.b, files_[change.file].ReadNumbers(change.pair.b));
    pair.rank = change.pair.rank;
    pair.scale = change.scale;
    changes.push_back(std::move(pair));
  }
  const TensorEntry before = EntryBefore(entry.name, part);
  const int64_t rows = entry.shape[0], columns = entry.shape[1];
  // Plain numbers are changed where they are, blocks on their way.
  ByteBuffer blocks;
  char* from = bytes.data();
  if (before.dtype != entry.dtype) {
    if (!blocks.Resize(before.Bytes())) {
      return absl::ResourceExhaustedError(
          absl::StrCat(entry.name, ": no memory to merge it"));
    }
    from = blocks.data();
  }
  RETURN_IF_ERROR(
      ReadBefore(entry.name, part, absl::MakeSpan(from, before.Bytes())));
  if (!MergeRows(from, before.dtype, bytes.data(), entry.dtype, rows, columns,
                 changes, threads_)) {
    return absl::InvalidArgumentError(absl::StrCat(
        entry.name, ": with its adapter it has numbers that are no finite ",
        NameOf(entry.dtype)));
  }
  return absl::OkStatus();
}

}  // namespace oxbow
