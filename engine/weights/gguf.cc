#include "engine/weights/gguf.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/weights/gguf_header.h"

namespace oxbow {
namespace {

// A size that metadata and a tensor both tell.
struct SizeRule {
  const char* key;  // after "rwkv7."
  const char* tensor;
  int dimension;
  int64_t times = 1;  // the tensor's is so many times the metadata's
};

constexpr SizeRule kSizeRules[] = {
    {"time_mix_extra_dim", "blk.0.time_mix_w1.weight", 0, 5},
    {"time_decay_extra_dim", "blk.0.time_mix_decay_w1.weight", 0},
    {"attention.decay_lora_rank", "blk.0.time_mix_w1.weight", 0},
    {"attention.iclr_lora_rank", "blk.0.time_mix_a1.weight", 0},
    {"attention.value_residual_mix_lora_rank", "blk.1.time_mix_v1.weight", 0},
    {"attention.gate_lora_rank", "blk.0.time_mix_g1.weight", 0},
};

class Gguf : public TensorSource {
 public:
  Gguf(InputFile file, SourceFacts facts, std::vector<GgufTensor> tensors)
      : file_(std::move(file)), facts_(std::move(facts)) {
    for (GgufTensor& tensor : tensors) {
      entries_.push_back(std::move(tensor.entry));
      offsets_.push_back(tensor.offset);
    }
  }

  absl::Span<const TensorEntry> entries() const override { return entries_; }
  SourceFacts facts() const override { return facts_; }
  absl::Status Read(int index, absl::Span<char> bytes) override {
    return file_.ReadAt(offsets_[index], bytes);
  }

 private:
  const InputFile file_;
  const SourceFacts facts_;
  std::vector<TensorEntry> entries_;
  std::vector<int64_t> offsets_;
};

// Absent if the metadata has no such key.
template <class T>
absl::Status Optional(absl::StatusOr<T> value, absl::optional<T>* fact) {
  if (absl::IsNotFound(value.status())) return absl::OkStatus();
  ASSIGN_OR_RETURN(*fact, std::move(value));
  return absl::OkStatus();
}

const TensorEntry* Find(const GgufHeader& header, absl::string_view name) {
  for (const GgufTensor& tensor : header.tensors) {
    if (tensor.entry.name == name) return &tensor.entry;
  }
  return nullptr;
}

absl::Status CheckSize(const GgufHeader& header, const SizeRule& rule) {
  const std::string key = absl::StrCat(header.architecture, ".", rule.key);
  absl::optional<int64_t> size;
  RETURN_IF_ERROR(Optional(header.metadata.Integer(key), &size));
  const TensorEntry* tensor = Find(header, rule.tensor);
  if (!size.has_value() || tensor == nullptr) return absl::OkStatus();
  const int64_t found = tensor->shape[rule.dimension];
  if (*size <= kDimensionMax && *size * rule.times == found) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(rule.tensor, ": has shape ", ShapeText(tensor->shape),
                   ", metadata ", key, " says ", *size));
}

// The embedded vocabulary has a token for each row of the embedding.
absl::Status CheckTokens(const GgufHeader& header) {
  const auto tokens =
      header.metadata.Array("tokenizer.ggml.tokens", GgufType::kString);
  if (absl::IsNotFound(tokens.status())) return absl::OkStatus();
  if (!tokens.ok()) return tokens.status();
  const TensorEntry* embedding = Find(header, "token_embd.weight");
  if (embedding == nullptr || embedding->shape[0] == tokens->count) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "token_embd.weight: has shape ", ShapeText(embedding->shape),
      ", metadata tokenizer.ggml.tokens has ", tokens->count, " tokens"));
}

// Hybrids shift one token before attention only.
absl::Status CheckShifts(const GgufHeader& header) {
  const std::string key =
      absl::StrCat(header.architecture, ".token_shift_count");
  absl::optional<int64_t> shifts;
  RETURN_IF_ERROR(Optional(header.metadata.Integer(key), &shifts));
  if (shifts.value_or(2) == 2) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat(
      "metadata ", key, " is ", *shifts, "; Oxbow runs models with 2"));
}

absl::StatusOr<SourceFacts> FactsOf(const GgufHeader& header) {
  const auto integer = [&](absl::string_view key) {
    return header.metadata.Integer(absl::StrCat(header.architecture, ".", key));
  };
  SourceFacts facts;
  RETURN_IF_ERROR(Optional(integer("block_count"), &facts.layers));
  RETURN_IF_ERROR(Optional(integer("embedding_length"), &facts.width));
  RETURN_IF_ERROR(Optional(integer("feed_forward_length"), &facts.ffn_width));
  RETURN_IF_ERROR(Optional(integer("wkv.head_size"), &facts.head_size));
  RETURN_IF_ERROR(
      Optional(integer("rescale_every_n_layers"), &facts.rescale_every));
  RETURN_IF_ERROR(
      Optional(header.metadata.Real(absl::StrCat(
                   header.architecture, ".attention.layer_norm_epsilon")),
               &facts.norm_eps));
  return facts;
}

absl::Status Check(const GgufHeader& header) {
  if (header.tensors.empty()) {
    return absl::InvalidArgumentError("a GGUF file without tensors");
  }
  RETURN_IF_ERROR(CheckShifts(header));
  for (const SizeRule& rule : kSizeRules) {
    RETURN_IF_ERROR(CheckSize(header, rule));
  }
  return CheckTokens(header);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TensorSource>> OpenGguf(InputFile file) {
  ASSIGN_OR_RETURN(GgufHeader header, ReadGgufHeader(file));
  RETURN_IF_ERROR(Check(header));
  ASSIGN_OR_RETURN(SourceFacts facts, FactsOf(header));
  return std::unique_ptr<TensorSource>(absl::make_unique<Gguf>(
      std::move(file), std::move(facts), std::move(header.tensors)));
}

}  // namespace oxbow
