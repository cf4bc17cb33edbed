#include "engine/weights/shards.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/weights/safetensors.h"
#include "engine/weights/shard_index.h"

namespace oxbow {
namespace {

class Shards : public TensorSource {
 public:
  // Takes the tensors of one more file.
  void Add(std::unique_ptr<TensorSource> shard) {
    const auto entries = shard->entries();
    for (size_t i = 0; i < entries.size(); ++i) {
      entries_.push_back(entries[i]);
      places_.push_back({shard.get(), static_cast<int>(i)});
    }
    shards_.push_back(std::move(shard));
  }

  absl::Span<const TensorEntry> entries() const override { return entries_; }

  // A shard that names its tensors as we do speaks for all.
  SourceFacts facts() const override {
    SourceFacts facts;
    for (const auto& shard : shards_) {
      facts.is_canonical |= shard->facts().is_canonical;
    }
    return facts;
  }

  absl::Status Read(int index, absl::Span<char> bytes) override {
    return places_[index].shard->Read(places_[index].index, bytes);
  }

 private:
  struct Place {
    TensorSource* shard;
    int index;
  };

  std::vector<std::unique_ptr<TensorSource>> shards_;
  std::vector<TensorEntry> entries_;
  std::vector<Place> places_;
};

absl::Status CheckShard(const std::string& file, const TensorSource& shard,
                        const absl::btree_set<std::string>& want) {
  for (const TensorEntry& entry : shard.entries()) {
    if (!want.contains(entry.name)) {
      return absl::InvalidArgumentError(absl::StrCat(
          entry.name, ": is in ", file, ", where the index does not have it"));
    }
  }
  if (shard.entries().size() == want.size()) return absl::OkStatus();
  absl::btree_set<std::string> missing = want;
  for (const TensorEntry& entry : shard.entries()) missing.erase(entry.name);
  return absl::InvalidArgumentError(absl::StrCat(
      *missing.begin(), ": is not in ", file, ", where the index has it"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<TensorSource>> OpenShards(
    const InputFile& index) {
  ASSIGN_OR_RETURN(const std::string text, index.ReadAll(kShardIndexBytesMax));
  const absl::StatusOr<ShardIndex> files = ParseShardIndex(text);
  if (!files.ok()) {
    return absl::Status(
        files.status().code(),
        absl::StrCat(index.path(), ": ", files.status().message()));
  }
  const std::string folder =
      index.path().substr(0, index.path().rfind('/') + 1);
  auto shards = absl::make_unique<Shards>();
  for (const auto& [name, tensors] : *files) {
    ASSIGN_OR_RETURN(InputFile file, InputFile::Open(folder + name));
    ASSIGN_OR_RETURN(std::unique_ptr<TensorSource> shard,
                     OpenSafetensors(std::move(file)));
    RETURN_IF_ERROR(CheckShard(name, *shard, tensors));
    shards->Add(std::move(shard));
  }
  return std::unique_ptr<TensorSource>(std::move(shards));
}

}  // namespace oxbow
