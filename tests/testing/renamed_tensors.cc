#include "tests/testing/renamed_tensors.h"

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/check.h"

namespace oxbow {
namespace {

using Replacements = std::vector<std::pair<std::string, std::string>>;

// [1,1,D] as [D].
void Squeeze(TinyTensor* tensor) {
  if (tensor->shape.size() == 3 && tensor->shape[1] == 1) {
    tensor->shape = {tensor->shape[2]};
  }
}

// "w1" of an RWKV-7 low-rank pair.
bool IsPair(const std::string& name) {
  return name.size() == 2 && absl::StrContains("wavg", name[0]) &&
         absl::StrContains("012", name[1]);
}

TinyTensor ToFla(TinyTensor tensor) {
  static const auto* const kOutside = new std::map<std::string, std::string>{
      {"emb.weight", "model.embeddings.weight"},
      {"ln_out.weight", "model.norm.weight"},
      {"ln_out.bias", "model.norm.bias"},
      {"head.weight", "lm_head.weight"}};
  static const auto* const kInside = new std::map<std::string, std::string>{
      {"ln0", "pre_norm"},      {"ln1", "attn_norm"}, {"ln2", "ffn_norm"},
      {"receptance", "r_proj"}, {"key", "k_proj"},    {"value", "v_proj"},
      {"output", "o_proj"},     {"ln_x", "g_norm"}};
  static const char* const kLora[] = {"2.bias", "0.weight", "2.weight"};
  const auto outside = kOutside->find(tensor.name);
  if (outside != kOutside->end()) {
    tensor.name = outside->second;
    return tensor;
  }
  std::vector<std::string> parts = absl::StrSplit(tensor.name, '.');
  const bool is_mix = absl::StartsWith(parts[3], "x_") && parts[2] == "att";
  if (!is_mix) Squeeze(&tensor);
  if (IsPair(parts[3])) {
    if (parts[3][1] != '0') tensor = Turned(tensor);
    parts[3] = absl::StrCat(parts[3].substr(0, 1), "_lora.lora.",
                            kLora[parts[3][1] - '0']);
  }
  for (size_t i : {2, 3}) {
    const auto inside = kInside->find(parts[i]);
    if (inside != kInside->end() && parts[2] != "ffn")
      parts[i] = inside->second;
  }
  if (parts[2] == "att") parts[2] = "attn";
  parts[0] = "model.layers";
  tensor.name = absl::StrJoin(parts, ".");
  return tensor;
}

// Puts the six mixes of each layer into one.
TinyTensors Fuse(const TinyTensors& tensors) {
  TinyTensors fused;
  for (const TinyTensor& tensor : tensors) {
    if (!absl::StrContains(tensor.name, ".attn.x_")) {
      fused.push_back(tensor);
    } else if (absl::EndsWith(tensor.name, "x_r")) {
      fused.push_back(tensor);
      fused.back().name.back() = 'x';
      fused.back().shape.insert(fused.back().shape.begin(), 6);
    } else {
      std::vector<float>& numbers = fused.back().numbers;
      numbers.insert(numbers.end(), tensor.numbers.begin(),
                     tensor.numbers.end());
    }
  }
  return fused;
}

}  // namespace

TinyTensor Turned(const TinyTensor& tensor) {
  const size_t rank = tensor.shape.size();
  OXBOW_CHECK(rank >= 2) << tensor.name;
  TinyTensor turned = tensor;
  std::swap(turned.shape[rank - 2], turned.shape[rank - 1]);
  const int64_t rows = tensor.shape[rank - 2], columns = tensor.shape[rank - 1];
  const int64_t size = rows * columns;
  for (size_t i = 0; i < tensor.numbers.size(); ++i) {
    const int64_t matrix = i / size, row = i % size / columns,
                  column = i % columns;
    turned.numbers[matrix * size + column * rows + row] = tensor.numbers[i];
  }
  return turned;
}

TinyTensors AsFla(const TinyTensors& tensors, bool fused) {
  TinyTensors renamed;
  for (const TinyTensor& tensor : tensors) {
    if (absl::StartsWith(tensor.name, "blocks.0.att.v") &&
        IsPair(tensor.name.substr(13))) {
      continue;
    }
    renamed.push_back(ToFla(tensor));
  }
  return fused ? Fuse(renamed) : renamed;
}

TinyTensors AsHuggingFace(const TinyTensors& tensors) {
  TinyTensors renamed = tensors;
  for (TinyTensor& tensor : renamed) {
    std::string name = absl::StrReplaceAll(
        tensor.name, {{".att.", ".attention."}, {".ffn.", ".feed_forward."}});
    for (const auto& [from, to] :
         Replacements{{".time_mix_k", ".time_mix_key"},
                      {".time_mix_v", ".time_mix_value"},
                      {".time_mix_r", ".time_mix_receptance"},
                      {".time_mix_g", ".time_mix_gate"}}) {
      if (absl::EndsWith(name, from)) absl::StrAppend(&name, to.substr(11));
    }
    if (absl::StartsWith(name, "emb.")) name.replace(0, 3, "embeddings");
    if (absl::StartsWith(name, "blocks.0.ln0")) name.replace(9, 3, "pre_ln");
    if (name != "head.weight") name = absl::StrCat("rwkv.", name);
    tensor.name = name;
  }
  return renamed;
}

TinyTensors AsWebRwkv(const TinyTensors& tensors, bool turns_all) {
  std::vector<std::string> turned = {"time_mix_w1", "time_mix_w2",
                                     "time_decay_w1", "time_decay_w2"};
  if (turns_all) {
    for (const char* name : {"w1", "w2", "a1", "a2", "g1", "g2", "v1", "v2"}) {
      turned.push_back(name);
    }
  }
  turned.push_back("time_state");
  TinyTensors renamed = tensors;
  for (TinyTensor& tensor : renamed) {
    tensor.name = absl::StrReplaceAll(
        tensor.name, {{"time_faaaa", "time_first"}, {"time_maa", "time_mix"}});
    for (const std::string& name : turned) {
      if (absl::StrContains(tensor.name, name)) tensor = Turned(tensor);
    }
  }
  return renamed;
}

}  // namespace oxbow
