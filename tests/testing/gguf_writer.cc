#include "tests/testing/gguf_writer.h"

#include <cmath>
#include <fstream>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "tests/testing/block_quantizer.h"

namespace oxbow {
namespace {

// The parts of a stacked tensor, in its order.
constexpr char kMixes6[] = "wkvrg", kMixes7[] = "rwkvag";

const char* ArchitectureOf(const std::vector<TinyTensor>& tensors) {
  for (const TinyTensor& tensor : tensors) {
    if (tensor.name == "blocks.0.att.r_k") return "rwkv7";
  }
  return "rwkv6";
}

// Renames one tensor and changes its numbers.
class Converter {
 public:
  Converter(const GgufModelOptions& options, GgufFile* file)
      : options_(options), file_(file) {}

  void Add(const TinyTensor& from) {
    TinyTensor tensor = from;
    const std::vector<std::string> parts = absl::StrSplit(from.name, '.');
    if (parts[0] != "blocks") return AddOutside(std::move(tensor));
    layer_ = std::stoi(parts[1]);
    OXBOW_CHECK(parts.size() >= 4);
    if (parts[2] == "ln0") {
      tensor.name = absl::StrCat("token_embd_norm.", parts[3]);
    } else if (parts[2] == "ln1" || parts[2] == "ln2") {
      tensor.name = absl::StrCat("blk.", layer_, ".attn_norm",
                                 parts[2] == "ln2" ? "_2." : ".", parts[3]);
    } else if (parts[2] == "att") {
      return AddAttention(parts[3], parts.size() > 4 ? parts[4] : "weight",
                          std::move(tensor));
    } else {
      return AddFfn(parts[3], std::move(tensor));
    }
    Put(std::move(tensor));
  }

 private:
  void AddOutside(TinyTensor tensor) {
    static const std::map<std::string, std::string> kNames = {
        {"emb.weight", "token_embd.weight"},
        {"ln_out.weight", "output_norm.weight"},
        {"ln_out.bias", "output_norm.bias"},
        {"head.weight", "output.weight"}};
    tensor.name = kNames.at(tensor.name);
    Put(std::move(tensor));
  }

  void AddAttention(const std::string& part, const std::string& kind,
                    TinyTensor tensor) {
    static const std::map<std::string, std::string> kNames6 = {
        {"time_maa_x", "lerp_x"},      {"time_maa_w1", "w1"},
        {"time_maa_w2", "w2"},         {"time_decay", "decay"},
        {"time_decay_w1", "decay_w1"}, {"time_decay_w2", "decay_w2"},
        {"time_faaaa", "first"},       {"ln_x", "ln"}};
    if (IsMix(part)) return Stack(part.back(), std::move(tensor));
    if (layer_ == 0 && part.size() == 2 && part[0] == 'v') return;  // unused
    const auto found = kNames6.find(part);
    const std::string name = found == kNames6.end() ? part : found->second;
    tensor.name = absl::StrCat("blk.", layer_, ".time_mix_", name, ".", kind);
    const bool low_rank = part.size() == 2 && part[1] != '0';
    if (low_rank || part == "time_maa_w1" || part == "time_maa_w2" ||
        absl::StartsWith(part, "time_decay_w")) {
      Transpose(&tensor);
    }
    if (part == "output") Divide(&tensor);
    if (part == "r_k") tensor.shape = {Count(tensor)};
    if (part == "time_decay" || part == "time_maa_x" || part == "k_k" ||
        part == "k_a" || (part.size() == 2 && part[1] == '0')) {
      tensor.shape = {Count(tensor)};
    }
    // llama.cpp wants a first layer's pair, and never uses it.
    if (layer_ == 0 && part.size() == 2 && part[0] == 'a') {
      TinyTensor copy = tensor;
      copy.name = absl::StrReplaceAll(copy.name, {{"_mix_a", "_mix_v"}});
      Put(std::move(copy));
    }
    Put(std::move(tensor));
  }

  void AddFfn(const std::string& part, TinyTensor tensor) {
    std::string name = part;
    if (part == "x_k" || part == "time_maa_k") name = "lerp_k";
    if (part == "time_maa_r") name = "lerp_r";
    tensor.name =
        absl::StrCat("blk.", layer_, ".channel_mix_", name, ".weight");
    if (absl::StartsWith(name, "lerp")) tensor.shape = {Count(tensor)};
    if (part == "value") Divide(&tensor);
    Put(std::move(tensor));
  }

  static bool IsMix(const std::string& part) {
    const bool is6 = absl::StartsWith(part, "time_maa_") && part.size() == 10;
    const bool is7 = absl::StartsWith(part, "x_") && part.size() == 3;
    return is7 || (is6 && part.back() != 'x');
  }

  // Keeps a mix until all of its layer are there.
  void Stack(char which, TinyTensor tensor) {
    const bool is6 = absl::StrContains(tensor.name, "time_maa_");
    const std::string order = is6 ? kMixes6 : kMixes7;
    mixes_[which] = tensor.numbers;
    if (mixes_.size() < order.size()) return;
    TinyTensor stacked;
    stacked.name = absl::StrCat("blk.", layer_, ".time_mix_lerp_fused.weight");
    stacked.shape = {static_cast<int64_t>(order.size()), 1, 1, Count(tensor)};
    for (char mix : order) {
      const std::vector<float>& numbers = mixes_.at(mix);
      stacked.numbers.insert(stacked.numbers.end(), numbers.begin(),
                             numbers.end());
    }
    mixes_.clear();
    Put(std::move(stacked));
  }

  // The last two dimensions.
  static void Transpose(TinyTensor* tensor) {
    const size_t rank = tensor->shape.size();
    OXBOW_CHECK(rank >= 2) << tensor->name;
    const int64_t rows = tensor->shape[rank - 2];
    const int64_t columns = tensor->shape[rank - 1];
    const std::vector<float> from = tensor->numbers;
    for (size_t begin = 0; begin < from.size(); begin += rows * columns) {
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < columns; ++c) {
          tensor->numbers[begin + c * rows + r] = from[begin + r * columns + c];
        }
      }
    }
    std::swap(tensor->shape[rank - 2], tensor->shape[rank - 1]);
  }

  void Divide(TinyTensor* tensor) const {
    if (options_.rescale_every == 0) return;
    const float scale = std::ldexp(1.0f, -(layer_ / options_.rescale_every));
    for (float& number : tensor->numbers) number *= scale;
  }

  static int64_t Count(const TinyTensor& tensor) {
    return static_cast<int64_t>(tensor.numbers.size());
  }

  void Put(TinyTensor tensor) {
    DType dtype = options_.dtype;
    if (!options_.all_in_dtype && !IsLarge(tensor)) dtype = DType::kF32;
    if (tensor.shape.back() % NumbersPerBlock(dtype) != 0) dtype = DType::kF32;
    file_->AddTensor(tensor.name, tensor.shape, dtype,
                     EncodeAs(tensor.numbers, dtype));
  }

  // Not "small yet 2D", as llama-quant.cpp calls it.
  static bool IsLarge(const TinyTensor& tensor) {
    static constexpr const char* kLarge[] = {
        "token_embd.weight",  "output.weight", "_key.weight",   "_value.weight",
        "_receptance.weight", "_gate.weight",  "_output.weight"};
    for (const char* end : kLarge) {
      if (absl::EndsWith(tensor.name, end)) return true;
    }
    return false;
  }

  const GgufModelOptions& options_;
  GgufFile* const file_;
  int layer_ = 0;
  std::map<char, std::vector<float>> mixes_;
};

int64_t SizeOf(const std::vector<TinyTensor>& tensors, const std::string& name,
               int dimension) {
  for (const TinyTensor& tensor : tensors) {
    if (tensor.name == name) return tensor.shape[dimension];
  }
  return 0;
}

void AddMetadata(const std::vector<TinyTensor>& tensors,
                 const GgufModelOptions& options, GgufFile* file) {
  const std::string a = ArchitectureOf(tensors);
  const auto size = [&](const char* name, int dimension) {
    return static_cast<uint32_t>(SizeOf(tensors, name, dimension));
  };
  uint32_t layers = 0;
  while (size(absl::StrCat("blocks.", layers, ".ln1.weight").c_str(), 0)) {
    ++layers;
  }
  file->AddText("general.architecture", a);
  file->AddText("general.type", "model");
  file->AddText("general.name", "tiny");
  file->AddU32(a + ".context_length", 1048576);
  file->AddU32(a + ".embedding_length", size("emb.weight", 1));
  file->AddU32(a + ".block_count", layers);
  file->AddF32(a + ".attention.layer_norm_epsilon", 1e-5f);
  file->AddU32(a + ".feed_forward_length", size("blocks.0.ffn.key.weight", 0));
  file->AddU32(a + ".attention.head_count", 0);
  if (a == "rwkv7") {
    file->AddU32(a + ".wkv.head_size", size("blocks.0.att.r_k", 1));
    file->AddU32(a + ".attention.decay_lora_rank", size("blocks.0.att.w1", 1));
    file->AddU32(a + ".attention.iclr_lora_rank", size("blocks.0.att.a1", 1));
    file->AddU32(a + ".attention.value_residual_mix_lora_rank",
                 size("blocks.1.att.v1", 1));
    file->AddU32(a + ".attention.gate_lora_rank", size("blocks.0.att.g1", 1));
  } else {
    file->AddU32(a + ".wkv.head_size", size("blocks.0.att.time_faaaa", 1));
    file->AddU32(a + ".rescale_every_n_layers", options.rescale_every);
    file->AddU32(a + ".time_mix_extra_dim",
                 size("blocks.0.att.time_maa_w1", 1) / 5);
    file->AddU32(a + ".time_decay_extra_dim",
                 size("blocks.0.att.time_decay_w1", 1));
  }
  file->AddU32("general.file_type", 0);
}

// Ids without a piece: "<s>" at 0 is a control token, the others are unused.
void AddVocabulary(const std::vector<std::string>& pieces, GgufFile* file) {
  constexpr int32_t kNormal = 1, kControl = 3, kUnused = 5;
  std::vector<std::string> texts;
  std::vector<int32_t> types;
  for (size_t id = 0; id < pieces.size(); ++id) {
    const bool has = !pieces[id].empty();
    texts.push_back(has       ? GgufTokenText(pieces[id])
                    : id == 0 ? "<s>"
                              : absl::StrCat("[PAD", id, "]"));
    types.push_back(has ? kNormal : id == 0 ? kControl : kUnused);
  }
  file->AddText("tokenizer.ggml.model", "rwkv");
  file->AddTexts("tokenizer.ggml.tokens", texts);
  file->AddI32s("tokenizer.ggml.token_type", types);
  file->AddText("tokenizer.chat_template", "rwkv-world");
}

}  // namespace

std::string GgufTokenText(absl::string_view piece) {
  std::string text;
  for (char c : piece) {
    const uint8_t byte = static_cast<uint8_t>(c);
    if (c == '\n') {
      text += "\\n";
    } else if (c == '\t') {
      text += "\\t";
    } else if (c == '\r') {
      text += "\\r";
    } else if (c == '\\') {
      text += "\\\\";
    } else if (c == '\'' && absl::StrContains(piece, '"')) {
      // Alone, repr() takes double quotes around it.
      text += "\\'";
    } else if (byte < 0x20 || byte >= 0x7f) {
      absl::StrAppend(&text, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else {
      text += c;
    }
  }
  return text;
}

GgufFile MakeGguf(const std::vector<TinyTensor>& tensors,
                  const GgufModelOptions& options) {
  GgufFile file;
  AddMetadata(tensors, options, &file);
  if (!options.pieces.empty()) AddVocabulary(options.pieces, &file);
  GgufModelOptions adjusted = options;
  if (ArchitectureOf(tensors) == std::string("rwkv7")) {
    adjusted.rescale_every = 0;
  }
  Converter converter(adjusted, &file);
  for (const TinyTensor& tensor : tensors) converter.Add(tensor);
  return file;
}

absl::Status WriteGguf(const std::vector<TinyTensor>& tensors,
                       const GgufModelOptions& options,
                       const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  file << MakeGguf(tensors, options).Bytes() << std::flush;
  if (!file) {
    return absl::UnknownError(absl::StrCat(path, ": cannot be written"));
  }
  return absl::OkStatus();
}

}  // namespace oxbow
