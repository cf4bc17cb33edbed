#include "engine/weights/tensor_catalog.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/check.h"

namespace oxbow {
namespace {

constexpr absl::string_view kEmbeddingPrefix = "rwkv.";

}  // namespace

absl::StatusOr<TensorCatalog> TensorCatalog::Make(
    std::unique_ptr<TensorSource> source) {
  TensorCatalog catalog(std::move(source));
  const auto entries = catalog.source_->entries();
  for (size_t i = 0; i < entries.size(); ++i) {
    const absl::string_view name =
        absl::StripPrefix(entries[i].name, kEmbeddingPrefix);
    if (!catalog.names_.emplace(name, static_cast<int>(i)).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, ": is there twice, with and without '", kEmbeddingPrefix, "'"));
    }
  }
  return catalog;
}

const TensorEntry* TensorCatalog::Find(absl::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &source_->entries()[found->second];
}

absl::Status TensorCatalog::Read(absl::string_view name,
                                 absl::Span<char> bytes) {
  const auto found = names_.find(name);
  OXBOW_CHECK(found != names_.end()) << name;
  return source_->Read(found->second, bytes);
}

}  // namespace oxbow
