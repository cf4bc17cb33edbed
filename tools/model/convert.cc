#include "tools/model/convert.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/internal/endian.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "engine/model/detect_version.h"
#include "engine/model/load_progress.h"
#include "engine/weights/narrow_numbers.h"
#include "engine/weights/open_catalog.h"
#include "engine/weights/tensor_catalog.h"
#include "kernels/blocks.h"
#include "nlohmann/json.hpp"
#include "tools/model/write_whole.h"

namespace oxbow {
namespace {

using Json = nlohmann::ordered_json;

absl::optional<DType> DTypeOf(const std::string& name) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    if (name == NameOf(dtype)) return dtype;
  }
  return absl::nullopt;
}

const char* NameInSafetensors(DType dtype) {
  return dtype == DType::kF32 ? "F32" : dtype == DType::kF16 ? "F16" : "BF16";
}

// One tensor on its way from file to file.
struct Item {
  const TensorEntry* from = nullptr;
  DType dtype = DType::kF32;  // to
  int64_t Bytes() const { return BytesOf(dtype, from->Count()); }
};

std::vector<Item> Plan(const TensorCatalog& catalog,
                       absl::optional<DType> wanted) {
  std::vector<Item> items;
  for (const auto& [name, stored] : catalog.names()) {
    const DType dtype = stored.entry.dtype;
    const DType kept = NumbersPerBlock(dtype) > 1 ? DType::kF32 : dtype;
    items.push_back({&stored.entry, wanted.value_or(kept)});
  }
  return items;
}

// Old RWKV-5 has the logarithm of its bonus, [H,S]. In a .safetensors file that
// is taken for web-rwkv's name of the bonus itself (docs/weights.md), unless it
// has one dimension more.
std::vector<int64_t> ShapeOf(const TensorEntry& entry) {
  std::vector<int64_t> shape = entry.shape;
  const bool is_bonus = absl::EndsWith(entry.name, ".att.time_first");
  if (is_bonus && shape.size() == 2) shape.push_back(1);
  return shape;
}

// Eight bytes of its length, then the header, padded to a multiple of eight.
std::string HeaderOf(const std::vector<Item>& items) {
  Json header;
  header["__metadata__"] = {{"written_by", "oxbow-model convert"}};
  int64_t begin = 0;
  for (const Item& item : items) {
    const int64_t end = begin + item.Bytes();
    header[item.from->name] = {{"dtype", NameInSafetensors(item.dtype)},
                               {"shape", ShapeOf(*item.from)},
                               {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  char size[8];
  absl::little_endian::Store64(size, text.size());
  return std::string(size, sizeof(size)) + text;
}

// The other way round in the last two dimensions.
std::vector<float> Transposed(const std::vector<float>& numbers,
                              absl::Span<const int64_t> shape) {
  const int64_t rows = shape[shape.size() - 2], columns = shape.back();
  std::vector<float> turned(numbers.size());
  for (size_t part = 0; part < numbers.size(); part += rows * columns) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        turned[part + r * columns + c] = numbers[part + c * rows + r];
      }
    }
  }
  return turned;
}

// The tensor's bytes as the new file wants them.
absl::StatusOr<std::string> BytesOfItem(TensorCatalog& catalog,
                                        const Item& item) {
  const TensorEntry& from = *item.from;
  std::string bytes(from.Bytes(), '\0');
  RETURN_IF_ERROR(catalog.Read(from.name, absl::MakeSpan(bytes)));
  const auto fault = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(from.name, ": ", what));
  };
  if (!AllFinite(bytes.data(), from.dtype, from.Count())) {
    return fault("holds a NaN or an infinity");
  }
  if (item.dtype == from.dtype) return bytes;
  std::vector<float> numbers(from.Count());
  Dequantize(numbers.data(), bytes.data(), from.dtype, from.Count());
  if (catalog.ReadsTransposed(from.name)) {
    numbers = Transposed(numbers, from.shape);
  }
  bytes.resize(item.Bytes());
  if (!NarrowNumbers(&bytes[0], numbers.data(), item.dtype, from.Count())) {
    return fault(
        absl::StrCat("has numbers too large for ", NameOf(item.dtype)));
  }
  return bytes;
}

absl::Status WriteItems(TensorCatalog& catalog, const std::vector<Item>& items,
                        LoadProgress* progress, std::ofstream& file) {
  file << HeaderOf(items);
  int64_t done = 0, total = 0;
  for (const Item& item : items) total += item.Bytes();
  for (const Item& item : items) {
    ASSIGN_OR_RETURN(const std::string bytes, BytesOfItem(catalog, item));
    file << bytes;
    done += item.Bytes();
    progress->Update(done, total);
    if (!file.good()) break;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Convert(const ConvertFlags& flags, bool is_terminal,
                     std::ostream* out) {
  const int threads = std::max(1u, std::thread::hardware_concurrency());
  ASSIGN_OR_RETURN(
      TensorCatalog catalog,
      OpenCatalog(flags.from, ModelPart::kModel, flags.adapters, threads));
  if (catalog.facts().reranker_layers.has_value()) {
    return absl::UnimplementedError(
        absl::StrCat(flags.from,
                     ": a reranker that chooses layers of its embedder, which "
                     "a .safetensors file cannot say"));
  }
  RETURN_IF_ERROR(DetectVersion(catalog).status());
  if (absl::EndsWith(flags.to, ".st")) {
    return absl::InvalidArgumentError(absl::StrCat(
        flags.to,
        ": files named .st hold some matrices the other way round; "
        "want a name that ends in .safetensors"));
  }
  const std::vector<Item> items = Plan(catalog, DTypeOf(flags.dtype));
  const RealClock clock;
  LoadProgress progress(flags.from, is_terminal, &std::cerr, &clock);
  const absl::Status status = WriteWhole(flags.to, [&](std::ofstream& file) {
    return WriteItems(catalog, items, &progress, file);
  });
  progress.Finish();
  RETURN_IF_ERROR(status);
  *out << flags.to << ": " << items.size() << " tensors, "
       << std::filesystem::file_size(flags.to) << " bytes" << std::endl;
  return absl::OkStatus();
}

}  // namespace oxbow
