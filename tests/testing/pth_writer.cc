#include "tests/testing/pth_writer.h"

#include <zip.h>

#include "absl/strings/str_cat.h"

namespace oxbow {
namespace {

// Writes pickle instructions of protocol 2.
class Pickler {
 public:
  Pickler() { pickle_ = "\x80\x02"; }

  void Raw(absl::string_view bytes) { absl::StrAppend(&pickle_, bytes); }
  void Global(absl::string_view module, absl::string_view name) {
    absl::StrAppend(&pickle_, "c", module, "\n", name, "\n");
  }
  void String(absl::string_view text) {
    Raw("X");
    LittleEndian(text.size());
    Raw(text);
  }
  void Int(int64_t number) {
    Raw("J");
    LittleEndian(number);
  }
  void IntTuple(const std::vector<int64_t>& numbers) {
    Raw("(");
    for (int64_t number : numbers) Int(number);
    Raw("t");
  }
  std::string Take() {
    Raw(".");
    return std::move(pickle_);
  }

 private:
  void LittleEndian(uint64_t number) {
    for (int i = 0; i < 4; ++i) {
      pickle_.push_back(static_cast<char>(number >> (8 * i)));
    }
  }

  std::string pickle_;
};

const char* StorageName(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "FloatStorage";
    case DType::kF16:
      return "HalfStorage";
    case DType::kBF16:
      return "BFloat16Storage";
    default:
      return "?";
  }
}

std::vector<int64_t> StridesOf(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (int i = static_cast<int>(shape.size()) - 2; i >= 0; --i) {
    strides[i] = strides[i + 1] * shape[i + 1];
  }
  return strides;
}

}  // namespace

std::string PickleOf(const std::vector<TinyTensor>& tensors, DType dtype,
                     const absl::optional<NamedInts>& ints) {
  Pickler p;
  p.Global("collections", "OrderedDict");
  p.Raw(")R(");
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TinyTensor& tensor = tensors[i];
    p.String(tensor.name);
    p.Global("torch._utils", "_rebuild_tensor_v2");
    p.Raw("((");
    p.String("storage");
    p.Global("torch", StorageName(dtype));
    p.String(absl::StrCat(i));
    p.String("cpu");
    p.Int(static_cast<int64_t>(tensor.numbers.size()));
    p.Raw("tQ");
    p.Int(0);
    p.IntTuple(tensor.shape);
    p.IntTuple(StridesOf(tensor.shape));
    p.Raw("\x89");
    p.Global("collections", "OrderedDict");
    p.Raw(")RtR");
  }
  if (ints.has_value()) {
    p.String(ints->first);
    p.Raw("](");
    for (int64_t number : ints->second) p.Int(number);
    p.Raw("e");
  }
  p.Raw("u");
  return p.Take();
}

absl::Status WriteZip(
    const std::vector<std::pair<std::string, std::string>>& entries,
    bool deflate, const std::string& path) {
  int code = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  bool ok = archive != nullptr;
  for (const auto& [name, bytes] : entries) {
    if (!ok) break;
    zip_source_t* source =
        zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    const zip_int64_t index =
        zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    ok = index >= 0 &&
         zip_set_file_compression(
             archive, index, deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) == 0;
  }
  ok = ok && zip_close(archive) == 0;
  if (!ok) {
    return absl::UnknownError(absl::StrCat(path, ": cannot be written"));
  }
  return absl::OkStatus();
}

absl::Status WritePth(const std::vector<TinyTensor>& tensors, DType dtype,
                      const std::string& path) {
  return WritePth(tensors, dtype, absl::nullopt, path);
}

absl::Status WritePth(const std::vector<TinyTensor>& tensors, DType dtype,
                      const absl::optional<NamedInts>& ints,
                      const std::string& path) {
  std::vector<std::pair<std::string, std::string>> entries = {
      {"tiny/data.pkl", PickleOf(tensors, dtype, ints)},
      {"tiny/byteorder", "little"},
      {"tiny/version", "3\n"}};
  for (size_t i = 0; i < tensors.size(); ++i) {
    entries.emplace_back(absl::StrCat("tiny/data/", i),
                         Encode(tensors[i].numbers, dtype));
  }
  return WriteZip(entries, /*deflate=*/false, path);
}

}  // namespace oxbow
