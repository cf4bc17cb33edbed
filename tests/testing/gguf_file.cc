#include "tests/testing/gguf_file.h"

#include "absl/strings/str_cat.h"

namespace oxbow {
namespace {

// The file's numbers of types.
constexpr uint32_t kU32 = 4, kI32 = 5, kF32 = 6, kString = 8, kArray = 9;

template <class T>
std::string Raw(T number) {
  return std::string(reinterpret_cast<const char*>(&number), sizeof(number));
}

uint32_t GgmlType(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return 0;
    case DType::kF16:
      return 1;
    case DType::kBF16:
      return 30;
    case DType::kQ4_0:
      return 2;
    case DType::kQ4_1:
      return 3;
    case DType::kQ5_0:
      return 6;
    case DType::kQ5_1:
      return 7;
    case DType::kQ8_0:
      return 8;
    case DType::kQ4_K:
      return 12;
    case DType::kQ5_K:
      return 13;
    case DType::kQ6_K:
      return 14;
  }
  return 0;
}

// A file being written, with the places where its parts begin.
class Parts {
 public:
  void Add(absl::string_view bytes) {
    borders_.push_back(bytes_.size());
    bytes_.append(bytes.data(), bytes.size());
  }
  template <class T>
  void AddNumber(T number) {
    Add(Raw(number));
  }
  void AddText(absl::string_view text) {
    AddNumber<uint64_t>(text.size());
    if (!text.empty()) Add(text);
  }
  void Align(size_t alignment) {
    while (alignment > 0 && bytes_.size() % alignment != 0) bytes_ += '\0';
  }
  std::string& bytes() { return bytes_; }
  std::vector<size_t>& borders() { return borders_; }

 private:
  std::string bytes_;
  std::vector<size_t> borders_;
};

}  // namespace

std::string GgufText(absl::string_view text) {
  return absl::StrCat(Raw<uint64_t>(text.size()), text);
}

std::string GgufFile::Bytes(std::vector<size_t>* borders) const {
  Parts parts;
  parts.Add(magic);
  parts.AddNumber(version);
  parts.AddNumber<uint64_t>(tensor_count < 0 ? tensors.size() : tensor_count);
  parts.AddNumber<uint64_t>(value_count < 0 ? values.size() : value_count);
  for (const Value& value : values) {
    parts.AddText(value.key);
    parts.AddNumber(value.type);
    parts.Add(value.bytes);
  }
  for (const Tensor& tensor : tensors) {
    parts.AddText(tensor.name);
    parts.AddNumber(static_cast<uint32_t>(tensor.dimensions.size()));
    for (uint64_t dimension : tensor.dimensions) parts.AddNumber(dimension);
    parts.AddNumber(tensor.type);
    parts.AddNumber(tensor.offset);
  }
  parts.Align(alignment);
  parts.Add(numbers);
  *borders = std::move(parts.borders());
  return std::move(parts.bytes());
}

std::string GgufFile::Bytes() const {
  std::vector<size_t> ignored;
  return Bytes(&ignored);
}

void GgufFile::AddText(const std::string& key, const std::string& text) {
  values.push_back({key, kString, GgufText(text)});
}

void GgufFile::AddU32(const std::string& key, uint32_t number) {
  values.push_back({key, kU32, Raw(number)});
}

void GgufFile::AddF32(const std::string& key, float number) {
  values.push_back({key, kF32, Raw(number)});
}

void GgufFile::AddTexts(const std::string& key,
                        const std::vector<std::string>& texts) {
  std::string bytes = Raw(kString) + Raw<uint64_t>(texts.size());
  for (const std::string& text : texts) bytes += GgufText(text);
  values.push_back({key, kArray, bytes});
}

void GgufFile::AddI32s(const std::string& key,
                       const std::vector<int32_t>& numbers) {
  std::string bytes = Raw(kI32) + Raw<uint64_t>(numbers.size());
  for (int32_t number : numbers) bytes += Raw(number);
  values.push_back({key, kArray, bytes});
}

void GgufFile::AddTensor(const std::string& name,
                         const std::vector<int64_t>& shape, DType dtype,
                         const std::string& bytes) {
  Tensor tensor;
  tensor.name = name;
  tensor.dimensions.assign(shape.rbegin(), shape.rend());
  tensor.type = GgmlType(dtype);
  tensor.offset = numbers.size();
  tensors.push_back(std::move(tensor));
  numbers += bytes;
  while (numbers.size() % alignment != 0) numbers += '\0';
}

}  // namespace oxbow
