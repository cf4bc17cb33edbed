#include "engine/weights/tensor_catalog.h"

#include <cstring>
#include <new>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "engine/weights/check_facts.h"
#include "engine/weights/rearrange.h"

namespace oxbow {
namespace {

constexpr absl::string_view kEmbeddingPrefix = "rwkv.";
constexpr absl::string_view kAnyLayer = "#";

// A name with "#" for its first part that is a number, and that part.
struct Pattern {
  std::string text;
  std::string layer;
};

Pattern PatternOf(absl::string_view name) {
  Pattern pattern;
  for (absl::string_view part : absl::StrSplit(name, '.')) {
    if (!pattern.text.empty()) pattern.text += '.';
    int layer;
    if (pattern.layer.empty() && absl::SimpleAtoi(part, &layer)) {
      pattern.layer = std::string(part);
      part = kAnyLayer;
    }
    absl::StrAppend(&pattern.text, part);
  }
  return pattern;
}

std::string WithLayer(absl::string_view name, absl::string_view layer) {
  const size_t at = name.find(kAnyLayer);
  if (at == absl::string_view::npos) return std::string(name);
  return absl::StrCat(name.substr(0, at), layer, name.substr(at + 1));
}

// The shape a tensor would have to have, in a sentence.
absl::Status Wants(const TensorEntry& entry, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      entry.name, ": want ", what, ", file has ", ShapeText(entry.shape)));
}

absl::Status Transpose(const TensorEntry& from, StoredTensor* to) {
  const size_t rank = from.shape.size();
  if (rank < 2) return Wants(from, "a matrix");
  std::swap(to->entry.shape[rank - 2], to->entry.shape[rank - 1]);
  to->transposed = true;
  return absl::OkStatus();
}

// Transposes a low-rank matrix that the file holds the other way round.
absl::Status TurnPair(const TensorEntry& from, Storage storage, int64_t width,
                      StoredTensor* to) {
  if (from.shape.size() < 2) return Wants(from, "a matrix");
  if (TurnOf(storage, from.shape, width) == Turn::kStraight) {
    return absl::OkStatus();
  }
  return Transpose(from, to);
}

absl::Status TakePart(const TensorEntry& from, const NameRule& rule,
                      StoredTensor* to) {
  if (from.shape.size() < 2 || from.shape[0] != rule.parts) {
    return Wants(from, absl::StrCat(rule.parts, " vectors"));
  }
  to->entry.shape.erase(to->entry.shape.begin());
  to->part = rule.part;
  to->parts = rule.parts;
  return absl::OkStatus();
}

absl::Status SplitHeads(const TensorEntry& from,
                        absl::optional<int64_t> head_size, StoredTensor* to) {
  if (from.shape.size() > 1) return absl::OkStatus();
  const int64_t size = head_size.value_or(0);
  if (size < 1 || from.shape[0] % size != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        from.name, ": the file says heads have ", size, " channels, which ",
        from.shape[0], " numbers do not fill"));
  }
  to->entry.shape = {from.shape[0] / size, size};
  return absl::OkStatus();
}

absl::Status Undivide(const std::string& layer,
                      absl::optional<int64_t> rescale_every, StoredTensor* to) {
  const int64_t every = rescale_every.value_or(0);
  if (every < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the file rescales every ", every, " layers, which cannot be"));
  }
  int number;
  if (every > 0 && absl::SimpleAtoi(layer, &number)) {
    to->scale_log2 = static_cast<int>(number / every);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TensorCatalog> TensorCatalog::Make(
    std::unique_ptr<TensorSource> source) {
  TensorCatalog catalog(std::move(source));
  catalog.facts_ = catalog.source_->facts();
  const auto entries = catalog.source_->entries();
  ASSIGN_OR_RETURN(const Naming* naming,
                   RecognizeNaming(entries, catalog.facts_));
  catalog.width_ = WidthOf(entries);
  for (size_t i = 0; i < entries.size(); ++i) {
    RETURN_IF_ERROR(catalog.Add(*naming, static_cast<int>(i)));
  }
  RETURN_IF_ERROR(CheckFacts(
      catalog.facts_,
      [&catalog](absl::string_view name) { return catalog.Find(name); }));
  return catalog;
}

absl::Status TensorCatalog::Add(const Naming& naming, int source) {
  const std::string& name = source_->entries()[source].name;
  const Pattern pattern = PatternOf(name);
  const bool has_mark = absl::StrContains(name, kAnyLayer);
  int rules = 0;
  // A name that looks like a pattern is none. A rule for this very layer goes
  // before those for all.
  for (const auto& [file, layer] : {Pattern{name, ""}, pattern}) {
    for (const NameRule& rule : naming.rules) {
      if (rule.file != file || has_mark) continue;
      RETURN_IF_ERROR(AddAs(rule, layer, source));
      ++rules;
    }
    if (rules > 0) return absl::OkStatus();
  }
  if (!naming.others_are_canonical) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": not one of ", naming.title));
  }
  StoredTensor stored;
  stored.entry = source_->entries()[source];
  stored.entry.name =
      std::string(absl::StripPrefix(stored.entry.name, kEmbeddingPrefix));
  stored.source = source;
  if (stored.entry.transposed) {
    // No format has other matrices so: blocks along their inputs cannot be
    // packed as they are.
    if (absl::EndsWith(stored.entry.name, ".weight")) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": marked as transposed, want a low-rank matrix"));
    }
    stored.entry.transposed = false;
    RETURN_IF_ERROR(Transpose(source_->entries()[source], &stored));
  }
  return Insert(std::move(stored));
}

absl::Status TensorCatalog::AddAs(const NameRule& rule,
                                  const std::string& layer, int source) {
  const TensorEntry& from = source_->entries()[source];
  StoredTensor stored;
  stored.entry = from;
  stored.entry.name = WithLayer(rule.canonical, layer);
  stored.source = source;
  switch (rule.storage) {
    case Storage::kIgnored:
      return absl::OkStatus();
    case Storage::kSame:
      break;
    case Storage::kTransposed:
      RETURN_IF_ERROR(Transpose(from, &stored));
      break;
    case Storage::kDownTurned:
    case Storage::kUpTurned:
      RETURN_IF_ERROR(TurnPair(from, rule.storage, width_, &stored));
      break;
    case Storage::kPart:
      RETURN_IF_ERROR(TakePart(from, rule, &stored));
      break;
    case Storage::kFlatHeads:
      RETURN_IF_ERROR(SplitHeads(from, facts_.head_size, &stored));
      break;
    case Storage::kDivided:
      RETURN_IF_ERROR(Undivide(layer, facts_.rescale_every, &stored));
      break;
  }
  return Insert(std::move(stored));
}

absl::Status TensorCatalog::Insert(StoredTensor stored) {
  const std::string name = stored.entry.name;
  const absl::string_view file_name = source_->entries()[stored.source].name;
  const auto [at, is_new] = names_.emplace(name, std::move(stored));
  if (is_new) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      name, ": is there twice, as ", NameInFile(name), " and as ", file_name));
}

const StoredTensor& TensorCatalog::Stored(absl::string_view name) const {
  const auto found = names_.find(name);
  OXBOW_CHECK(found != names_.end()) << name;
  return found->second;
}

const TensorEntry* TensorCatalog::Find(absl::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second.entry;
}

absl::string_view TensorCatalog::NameInFile(absl::string_view name) const {
  return source_->entries()[Stored(name).source].name;
}

bool TensorCatalog::ReadsTransposed(absl::string_view name) const {
  const StoredTensor& stored = Stored(name);
  return stored.transposed && NumbersPerBlock(stored.entry.dtype) > 1;
}

absl::Status TensorCatalog::ReadWhole(int source) {
  const TensorEntry& whole = source_->entries()[source];
  try {
    whole_.resize(whole.Bytes());
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(
        whole.name, ": no memory for its ", whole.Bytes() >> 20, " MiB"));
  }
  return source_->Read(source, absl::MakeSpan(whole_));
}

absl::Status TensorCatalog::Read(absl::string_view name,
                                 absl::Span<char> bytes) {
  const StoredTensor& stored = Stored(name);
  const bool transposes = stored.transposed && !ReadsTransposed(name);
  if (transposes || stored.parts > 1) {
    RETURN_IF_ERROR(ReadWhole(stored.source));
    if (transposes) {
      const TensorEntry& whole = source_->entries()[stored.source];
      TransposeNumbers(whole.shape, whole.dtype, whole_, bytes);
    } else {
      std::memcpy(bytes.data(), whole_.data() + stored.part * bytes.size(),
                  bytes.size());
    }
  } else {
    RETURN_IF_ERROR(source_->Read(stored.source, bytes));
  }
  if (stored.scale_log2 > 0) {
    ScaleNumbers(stored.entry.dtype, stored.scale_log2, bytes);
  }
  return absl::OkStatus();
}

}  // namespace oxbow
