#include "engine/weights/open_tensors.h"

#include <algorithm>
#include <utility>

#include "absl/base/internal/endian.h"
#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/weights/find_model_file.h"
#include "engine/weights/gguf.h"
#include "engine/weights/gguf_header.h"
#include "engine/weights/hf_config.h"
#include "engine/weights/input_file.h"
#include "engine/weights/pth.h"
#include "engine/weights/rwkv_cpp.h"
#include "engine/weights/safetensors.h"
#include "engine/weights/shards.h"

namespace oxbow {
namespace {

constexpr uint64_t kSafetensorsHeaderMax = uint64_t{1} << 32;
constexpr int64_t kTarMagicAt = 257;

// A source, and what is known about it from elsewhere.
class DescribedTensors : public TensorSource {
 public:
  DescribedTensors(std::unique_ptr<TensorSource> source, SourceFacts facts)
      : source_(std::move(source)), facts_(std::move(facts)) {}

  absl::Span<const TensorEntry> entries() const override {
    return source_->entries();
  }
  SourceFacts facts() const override { return facts_; }
  absl::Status Read(int index, absl::Span<char> bytes) override {
    return source_->Read(index, bytes);
  }

 private:
  const std::unique_ptr<TensorSource> source_;
  const SourceFacts facts_;
};

bool HasHuggingFaceNames(const TensorSource& source) {
  const auto entries = source.entries();
  return std::any_of(entries.begin(), entries.end(), [](const auto& entry) {
    return entry.name == "model.embeddings.weight" ||
           entry.name == "rwkv.embeddings.weight";
  });
}

// What the config.json beside `path` says; nothing if there is none.
absl::StatusOr<SourceFacts> ReadConfigBeside(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  const absl::StatusOr<InputFile> file =
      InputFile::Open(absl::StrCat(folder, "config.json"));
  if (absl::IsNotFound(file.status())) return SourceFacts();
  RETURN_IF_ERROR(file.status());
  ASSIGN_OR_RETURN(const std::string text, file->ReadAll(kHfConfigBytesMax));
  return ParseHfConfig(text);
}

// Adds what is beside a file of safetensors and in its name.
absl::StatusOr<std::unique_ptr<TensorSource>> Describe(
    const std::string& path,
    absl::StatusOr<std::unique_ptr<TensorSource>> source) {
  RETURN_IF_ERROR(source.status());
  SourceFacts facts;
  if (HasHuggingFaceNames(**source)) {
    ASSIGN_OR_RETURN(facts, ReadConfigBeside(path));
  }
  facts.is_canonical = (*source)->facts().is_canonical;
  facts.is_safetensors = true;
  facts.is_named_st = absl::EndsWithIgnoreCase(path, ".st");
  return std::unique_ptr<TensorSource>(absl::make_unique<DescribedTensors>(
      *std::move(source), std::move(facts)));
}

// The formats of torch.save before 1.6: a pickle, and before that a tar file.
bool LooksLikeOldTorch(const InputFile& file, absl::string_view magic) {
  if (magic[0] == '\x80' && magic[1] >= 2 && magic[1] <= 5) return true;
  char tar[5];
  return file.ReadAt(kTarMagicAt, absl::MakeSpan(tar)).ok() &&
         absl::string_view(tar, sizeof(tar)) == "ustar";
}

}  // namespace

absl::StatusOr<std::unique_ptr<TensorSource>> OpenTensors(
    const std::string& path_given) {
  ASSIGN_OR_RETURN(const std::string path, FindModelFile(path_given));
  ASSIGN_OR_RETURN(InputFile file, InputFile::Open(path));
  char start[9];
  const absl::Status read = file.ReadAt(0, absl::MakeSpan(start));
  if (!read.ok()) return read;
  const absl::string_view magic(start, sizeof(start));
  if (LooksLikeZip(file)) return OpenPth(std::move(file));
  if (LooksLikeGguf(file)) return OpenGguf(std::move(file));
  if (LooksLikeRwkvCpp(file)) return OpenRwkvCpp(std::move(file));
  if (LooksLikeOldTorch(file, magic)) {
    return absl::UnimplementedError(absl::StrCat(
        path, ": a torch file from before version 1.6; save it again"));
  }
  // An index is JSON at once; a safetensors file after eight bytes of length,
  // the first of which may be a brace by chance.
  const bool has_length =
      absl::little_endian::Load64(start) < kSafetensorsHeaderMax;
  if (magic[0] == '{' && !has_length) {
    return Describe(path, OpenShards(file));
  }
  if (magic[8] != '{') {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": neither a .pth, .safetensors, .gguf nor rwkv.cpp file"));
  }
  return Describe(path, OpenSafetensors(std::move(file)));
}

}  // namespace oxbow
