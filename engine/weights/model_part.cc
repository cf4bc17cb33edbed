#include "engine/weights/model_part.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace oxbow {
namespace {

constexpr absl::string_view kReranker = "reranker.";
constexpr absl::string_view kEmbedder = "rwkv.";
constexpr absl::string_view kToken = "token.weight";

// Some tensors of a source, under names of their own.
class SelectedTensors : public TensorSource {
 public:
  explicit SelectedTensors(std::unique_ptr<TensorSource> source)
      : source_(std::move(source)) {}

  void Add(int index, absl::string_view name) {
    entries_.push_back(source_->entries()[index]);
    entries_.back().name = std::string(name);
    indices_.push_back(index);
  }

  absl::string_view SourceName(int index) const {
    return source_->entries()[index].name;
  }

  absl::Span<const TensorEntry> entries() const override { return entries_; }
  SourceFacts facts() const override { return source_->facts(); }
  absl::Status Read(int index, absl::Span<char> bytes) override {
    return source_->Read(indices_[index], bytes);
  }

 private:
  const std::unique_ptr<TensorSource> source_;
  std::vector<TensorEntry> entries_;
  std::vector<int> indices_;  // in the source
};

bool HasPrefix(const TensorSource& source, absl::string_view prefix) {
  for (const TensorEntry& entry : source.entries()) {
    if (absl::StartsWith(entry.name, prefix)) return true;
  }
  return false;
}

bool Has(const TensorSource& source, absl::string_view name) {
  for (const TensorEntry& entry : source.entries()) {
    if (entry.name == name) return true;
  }
  return false;
}

}  // namespace

std::unique_ptr<TensorSource> SelectPart(std::unique_ptr<TensorSource> source,
                                         ModelPart part) {
  const bool has_reranker = HasPrefix(*source, kReranker);
  if (!has_reranker && !Has(*source, kToken)) return source;
  const bool drops = part == ModelPart::kModel && HasPrefix(*source, kEmbedder);
  const int count = static_cast<int>(source->entries().size());
  auto selected = absl::make_unique<SelectedTensors>(std::move(source));
  for (int i = 0; i < count; ++i) {
    absl::string_view name = selected->SourceName(i);
    const bool is_reranker =
        !has_reranker || absl::ConsumePrefix(&name, kReranker);
    if (is_reranker == drops) continue;
    selected->Add(i, is_reranker && name == kToken ? "emb.weight" : name);
  }
  return selected;
}

}  // namespace oxbow
