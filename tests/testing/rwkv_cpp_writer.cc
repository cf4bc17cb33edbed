#include "tests/testing/rwkv_cpp_writer.h"

#include <cmath>
#include <fstream>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/testing/block_quantizer.h"

namespace oxbow {
namespace {

// A file being written, with the places where its parts begin.
struct Parts {
  void Add(const std::string& part) {
    borders.push_back(bytes.size());
    bytes += part;
  }
  void AddNumber(uint32_t number) {
    Add(std::string(reinterpret_cast<const char*>(&number), sizeof(number)));
  }

  std::string bytes;
  std::vector<size_t> borders;
};

uint32_t TypeOf(DType dtype) {
  static const std::map<DType, uint32_t> kTypes = {
      {DType::kF32, 0},  {DType::kF16, 1},   {DType::kQ4_0, 2},
      {DType::kQ4_1, 3}, {DType::kQ5_0, 7},  {DType::kQ5_1, 8},
      {DType::kQ8_0, 9}, {DType::kQ4_K, 13}, {DType::kQ5_K, 14},
      {DType::kQ6_K, 15}};
  return kTypes.at(dtype);
}

enum class Model { k4, k5, k6, k7 };

Model ModelOf(const std::vector<TinyTensor>& tensors) {
  std::set<std::string> names;
  for (const TinyTensor& tensor : tensors) names.insert(tensor.name);
  if (names.count("blocks.0.att.k_k")) return Model::k7;
  if (names.count("blocks.0.att.time_maa_x")) return Model::k6;
  return names.count("blocks.0.att.ln_x.weight") ? Model::k5 : Model::k4;
}

// torch's squeeze().
void Squeeze(TinyTensor* tensor) {
  std::vector<int64_t> shape;
  for (int64_t dimension : tensor->shape) {
    if (dimension != 1) shape.push_back(dimension);
  }
  tensor->shape = shape;
}

void Transpose(TinyTensor* tensor) {
  const size_t rank = tensor->shape.size();
  const int64_t rows = tensor->shape[rank - 2];
  const int64_t columns = tensor->shape[rank - 1];
  const std::vector<float> from = tensor->numbers;
  for (size_t begin = 0; begin < from.size(); begin += rows * columns) {
    for (int64_t i = 0; i < rows * columns; ++i) {
      tensor->numbers[begin + i % columns * rows + i / columns] =
          from[begin + i];
    }
  }
  std::swap(tensor->shape[rank - 2], tensor->shape[rank - 1]);
}

void Apply(double (*function)(double), TinyTensor* tensor) {
  for (float& number : tensor->numbers) {
    number = static_cast<float>(function(number));
  }
}

double MinusExp(double x) { return -std::exp(x); }
double ExpOfMinusExp(double x) { return std::exp(-std::exp(x)); }
double Exp(double x) { return std::exp(x); }

void ChangeV4Or5(Model model, const std::string& part, TinyTensor* tensor) {
  if (part == "time_decay") {
    Apply(model == Model::k4 ? MinusExp : ExpOfMinusExp, tensor);
  }
  if (model == Model::k4) return;
  if (part == "time_first") Apply(Exp, tensor);
  if (part == "time_decay" || part == "time_faaaa" || part == "time_first") {
    tensor->shape.push_back(1);
    if (tensor->shape.size() == 2) tensor->shape.push_back(1);
  }
}

void ChangeV6(const std::string& part, int64_t heads, TinyTensor* tensor) {
  if (part == "time_faaaa") tensor->shape.push_back(1);
  if (part == "time_decay") {
    tensor->shape = {heads, tensor->shape[0] / heads, 1};
  }
  if (part == "time_maa_w1" || part == "time_maa_w2" ||
      part == "time_decay_w1" || part == "time_decay_w2") {
    Transpose(tensor);
  }
}

void Change(Model model, int64_t heads, TinyTensor* tensor) {
  const std::string part =
      tensor->name.substr(tensor->name.find_last_of('.') + 1);
  if (absl::StrContains(tensor->name, ".time_")) Squeeze(tensor);
  if (model == Model::k7) {
    if (part.size() == 2 && (part[1] == '1' || part[1] == '2')) {
      Transpose(tensor);
    }
  } else if (model == Model::k6) {
    ChangeV6(part, heads, tensor);
  } else {
    ChangeV4Or5(model, part, tensor);
  }
}

// The mixes of a layer one after another, in the order of the file: the
// converter appends each where the first one stood.
std::vector<TinyTensor> Stacked(const std::vector<TinyTensor>& tensors) {
  std::vector<TinyTensor> stacked;
  std::map<std::string, std::map<char, TinyTensor>> mixes;
  for (const TinyTensor& tensor : tensors) {
    const size_t at = tensor.name.find("att.x_");
    if (at == std::string::npos) {
      stacked.push_back(tensor);
      continue;
    }
    const std::string name = tensor.name.substr(0, at) + "att.x_rwkvag";
    mixes[name][tensor.name.back()] = tensor;
  }
  for (const auto& [name, parts] : mixes) {
    TinyTensor whole;
    whole.name = name;
    for (char which : std::string("rwkvag")) {
      const std::vector<float>& numbers = parts.at(which).numbers;
      whole.shape = {6, 1, static_cast<int64_t>(numbers.size())};
      whole.numbers.insert(whole.numbers.end(), numbers.begin(), numbers.end());
    }
    stacked.push_back(whole);
  }
  return stacked;
}

bool StaysFloat(const TinyTensor& tensor) {
  if (tensor.shape.size() < 2) return true;
  for (const char* part : {".time_", ".k_k", ".k_a", ".r_k", ".x_rwkvag",
                           ".x_k", ".w0", ".a0", ".v0"}) {
    if (absl::StrContains(tensor.name, part)) return true;
  }
  return false;
}

DType DTypeOf(const TinyTensor& tensor, DType wanted) {
  if (NumbersPerBlock(wanted) == 1) {
    return StaysFloat(tensor) ? DType::kF32 : wanted;
  }
  const bool quantized = tensor.shape.size() == 2 &&
                         tensor.name != "emb.weight" &&
                         tensor.name != "head.weight" &&
                         tensor.shape[1] % NumbersPerBlock(wanted) == 0;
  return quantized ? wanted : DType::kF32;
}

}  // namespace

std::string RwkvCppFile::Bytes(std::vector<size_t>* borders) const {
  Parts parts;
  for (uint32_t number :
       {magic, version, vocabulary_size, width, layers, type}) {
    parts.AddNumber(number);
  }
  for (const Tensor& tensor : tensors) {
    parts.AddNumber(static_cast<uint32_t>(
        tensor.rank < 0 ? tensor.dimensions.size() : tensor.rank));
    parts.AddNumber(static_cast<uint32_t>(
        tensor.name_bytes < 0 ? tensor.name.size() : tensor.name_bytes));
    parts.AddNumber(tensor.type);
    for (uint32_t dimension : tensor.dimensions) parts.AddNumber(dimension);
    parts.Add(tensor.name);
    parts.Add(tensor.bytes);
  }
  *borders = std::move(parts.borders);
  return std::move(parts.bytes);
}

std::string RwkvCppFile::Bytes() const {
  std::vector<size_t> ignored;
  return Bytes(&ignored);
}

RwkvCppFile MakeRwkvCpp(const std::vector<TinyTensor>& tensors,
                        const RwkvCppOptions& options) {
  RwkvCppFile file;
  file.version = options.version;
  file.type = TypeOf(options.dtype);
  const Model model = ModelOf(tensors);
  int64_t heads = 1;
  for (const TinyTensor& tensor : tensors) {
    if (tensor.name == "emb.weight") {
      file.vocabulary_size = static_cast<uint32_t>(tensor.shape[0]);
      file.width = static_cast<uint32_t>(tensor.shape[1]);
    }
    if (tensor.name == "blocks.0.att.time_faaaa") heads = tensor.shape[0];
    if (absl::EndsWith(tensor.name, "ln1.weight")) ++file.layers;
  }
  for (TinyTensor tensor : model == Model::k7 ? Stacked(tensors) : tensors) {
    Change(model, heads, &tensor);
    const DType dtype = DTypeOf(tensor, options.dtype);
    RwkvCppFile::Tensor out;
    out.name = tensor.name;
    out.dimensions.assign(tensor.shape.rbegin(), tensor.shape.rend());
    out.type = TypeOf(dtype);
    out.bytes = options.version == 100 && NumbersPerBlock(dtype) > 1
                    ? QuantizeOldBlocks(tensor.numbers, dtype)
                    : EncodeAs(tensor.numbers, dtype);
    file.tensors.push_back(std::move(out));
  }
  return file;
}

absl::Status WriteRwkvCpp(const std::vector<TinyTensor>& tensors,
                          const RwkvCppOptions& options,
                          const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  file << MakeRwkvCpp(tensors, options).Bytes() << std::flush;
  if (!file) {
    return absl::UnknownError(absl::StrCat(path, ": cannot be written"));
  }
  return absl::OkStatus();
}

}  // namespace oxbow
