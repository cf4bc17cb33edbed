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
#include "engine/weights/block_mark.h"
#include "engine/weights/byte_buffer.h"
#include "engine/weights/narrow_numbers.h"
#include "engine/weights/open_catalog.h"
#include "engine/weights/quantize_matrix.h"
#include "engine/weights/tensor_catalog.h"
#include "engine/weights/weight_precision.h"
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
  switch (dtype) {
    case DType::kF32:
      return "F32";
    case DType::kF16:
      return "F16";
    case DType::kBF16:
      return "BF16";
    default:
      return "U8";
  }
}

// One tensor on its way from file to file.
struct Item {
  const TensorEntry* from = nullptr;
  DType dtype = DType::kF32;  // to
  // Blocks that lie the other way round, and stay so.
  bool transposed = false;

  int64_t Bytes() const { return BytesOf(dtype, from->Count()); }
  bool IsBlocks() const { return NumbersPerBlock(dtype) > 1; }
};

// What becomes of a tensor.
Item PlanItem(const TensorCatalog& catalog, const std::string& name,
              const ConvertFlags& flags) {
  Item item;
  item.from = catalog.Find(name);
  if (flags.weights.has_value()) {
    item.dtype = KeptAs(catalog, name, *flags.weights);
    item.transposed = catalog.ReadsTransposed(name);
    // A vector whose heads are no whole blocks has no shape of blocks.
    const bool fits =
        item.transposed ||
        item.from->shape.back() % NumbersPerBlock(item.dtype) == 0;
    if (!fits) item.dtype = DType::kF32;
    return item;
  }
  const DType stored = item.from->dtype;
  item.dtype =
      DTypeOf(flags.dtype)
          .value_or(NumbersPerBlock(stored) > 1 ? DType::kF32 : stored);
  return item;
}

std::vector<Item> Plan(const TensorCatalog& catalog,
                       const ConvertFlags& flags) {
  std::vector<Item> items;
  for (const auto& [name, stored] : catalog.names()) {
    items.push_back(PlanItem(catalog, name, flags));
  }
  return items;
}

// Old RWKV-5 has the logarithm of its bonus, [H,S]. In a .safetensors file that
// is taken for web-rwkv's name of the bonus itself (docs/weights.md), unless it
// has one dimension more. Blocks are rows of bytes.
std::vector<int64_t> ShapeOf(const Item& item) {
  std::vector<int64_t> shape = item.from->shape;
  if (item.transposed) std::swap(shape[shape.size() - 2], shape.back());
  if (item.IsBlocks()) return ByteShape(item.dtype, std::move(shape));
  const bool is_bonus = absl::EndsWith(item.from->name, ".att.time_first");
  if (is_bonus && shape.size() == 2) shape.push_back(1);
  return shape;
}

// Eight bytes of its length, then the header, padded to a multiple of eight.
std::string HeaderOf(const std::vector<Item>& items) {
  Json header;
  Json& metadata = header["__metadata__"];
  metadata = {{"written_by", "oxbow-model convert"}};
  int64_t begin = 0;
  for (const Item& item : items) {
    const int64_t end = begin + item.Bytes();
    const std::string& name = item.from->name;
    if (item.IsBlocks()) {
      header["__metadata__"][absl::StrCat(kBlockMarkPrefix, name)] =
          TextOf(BlockMark{item.dtype, item.transposed});
    }
    header[name] = {{"dtype", NameInSafetensors(item.dtype)},
                    {"shape", ShapeOf(item)},
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

absl::Status Fault(const Item& item, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(item.from->name, ": ", what));
}

absl::Status MakeRoom(size_t size, const Item& item, ByteBuffer* bytes) {
  if (bytes->Resize(size)) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      item.from->name, ": no memory for its ", size >> 20, " MiB"));
}

// Makes plain numbers of those at hand.
absl::Status Round(const TensorCatalog& catalog, const Item& item,
                   ByteBuffer* bytes) {
  const TensorEntry& from = *item.from;
  std::vector<float> numbers(from.Count());
  Dequantize(numbers.data(), bytes->data(), from.dtype, from.Count());
  if (catalog.ReadsTransposed(from.name)) {
    numbers = Transposed(numbers, from.shape);
  }
  RETURN_IF_ERROR(MakeRoom(item.Bytes(), item, bytes));
  if (NarrowNumbers(bytes->data(), numbers.data(), item.dtype, from.Count())) {
    return absl::OkStatus();
  }
  return Fault(item,
               absl::StrCat("has numbers too large for ", NameOf(item.dtype)));
}

// The tensor's bytes as the new file wants them.
absl::Status ReadItem(TensorCatalog& catalog, const Item& item, int threads,
                      ByteBuffer* bytes) {
  const TensorEntry& from = *item.from;
  RETURN_IF_ERROR(MakeRoom(from.Bytes(), item, bytes));
  RETURN_IF_ERROR(catalog.Read(from.name, bytes->span()));
  if (!AllFinite(bytes->data(), from.dtype, from.Count())) {
    return Fault(item, "holds a NaN or an infinity");
  }
  if (item.dtype == from.dtype) return absl::OkStatus();
  if (!item.IsBlocks()) return Round(catalog, item, bytes);
  const int64_t columns = from.shape.back();
  QuantizeMatrix(bytes, from.Count() / columns, columns, from.dtype, item.dtype,
                 threads);
  return absl::OkStatus();
}

absl::Status WriteItems(TensorCatalog& catalog, const std::vector<Item>& items,
                        int threads, LoadProgress* progress,
                        std::ofstream& file) {
  file << HeaderOf(items);
  int64_t done = 0, total = 0;
  for (const Item& item : items) total += item.Bytes();
  ByteBuffer bytes;
  for (const Item& item : items) {
    RETURN_IF_ERROR(ReadItem(catalog, item, threads, &bytes));
    file.write(bytes.data(), bytes.size());
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
  const std::vector<Item> items = Plan(catalog, flags);
  const RealClock clock;
  LoadProgress progress(flags.from, is_terminal, &std::cerr, &clock);
  const absl::Status status = WriteWhole(flags.to, [&](std::ofstream& file) {
    return WriteItems(catalog, items, threads, &progress, file);
  });
  progress.Finish();
  RETURN_IF_ERROR(status);
  *out << flags.to << ": " << items.size() << " tensors, "
       << std::filesystem::file_size(flags.to) << " bytes" << std::endl;
  return absl::OkStatus();
}

}  // namespace oxbow
