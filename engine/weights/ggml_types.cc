#include "engine/weights/ggml_types.h"

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace oxbow {
namespace {

// A row of a table: the number is the place.
struct NamedType {
  const char* name;  // null: was never used, or has been removed from ggml
  absl::optional<DType> dtype;
};

constexpr absl::optional<DType> kNone = absl::nullopt;

const NamedType kGgmlTypes[] = {
    {"F32", DType::kF32},   {"F16", DType::kF16},   {"Q4_0", DType::kQ4_0},
    {"Q4_1", DType::kQ4_1}, {"Q4_2", kNone},        {"Q4_3", kNone},
    {"Q5_0", DType::kQ5_0}, {"Q5_1", DType::kQ5_1}, {"Q8_0", DType::kQ8_0},
    {"Q8_1", kNone},        {"Q2_K", kNone},        {"Q3_K", kNone},
    {"Q4_K", DType::kQ4_K}, {"Q5_K", DType::kQ5_K}, {"Q6_K", DType::kQ6_K},
    {"Q8_K", kNone},        {"IQ2_XXS", kNone},     {"IQ2_XS", kNone},
    {"IQ3_XXS", kNone},     {"IQ1_S", kNone},       {"IQ4_NL", kNone},
    {"IQ3_S", kNone},       {"IQ2_S", kNone},       {"IQ4_XS", kNone},
    {"I8", kNone},          {"I16", kNone},         {"I32", kNone},
    {"I64", kNone},         {"F64", kNone},         {"IQ1_M", kNone},
    {"BF16", DType::kBF16}, {"Q4_0_4_4", kNone},    {"Q4_0_4_8", kNone},
    {"Q4_0_8_8", kNone},    {"TQ1_0", kNone},       {"TQ2_0", kNone},
    {nullptr, kNone},       {nullptr, kNone},       {nullptr, kNone},
    {"MXFP4", kNone},
};

const NamedType kRwkvCppTypes[] = {
    {"FP32", DType::kF32},  {"FP16", DType::kF16},  {"Q4_0", DType::kQ4_0},
    {"Q4_1", DType::kQ4_1}, {"Q4_1_O", kNone},      {"Q4_2", kNone},
    {"Q4_3", kNone},        {"Q5_0", DType::kQ5_0}, {"Q5_1", DType::kQ5_1},
    {"Q8_0", DType::kQ8_0}, {"Q8_1", kNone},        {"Q2_K", kNone},
    {"Q3_K", kNone},        {"Q4_K", DType::kQ4_K}, {"Q5_K", DType::kQ5_K},
    {"Q6_K", DType::kQ6_K}, {"Q8_K", kNone},
};

absl::StatusOr<DType> Lookup(absl::Span<const NamedType> types,
                             absl::string_view name, uint32_t number) {
  if (number < types.size() && types[number].dtype.has_value()) {
    return *types[number].dtype;
  }
  const char* known = number < types.size() ? types[number].name : nullptr;
  return absl::UnimplementedError(absl::StrCat(
      name, ": tensor type ", known ? known : "", known ? " (" : "", number,
      known ? ")" : "",
      "; Oxbow reads F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K "
      "and Q6_K"));
}

}  // namespace

absl::StatusOr<DType> FromGgmlType(absl::string_view name, uint32_t type) {
  return Lookup(kGgmlTypes, name, type);
}

absl::StatusOr<DType> FromRwkvCppType(absl::string_view name, uint32_t type) {
  return Lookup(kRwkvCppTypes, name, type);
}

}  // namespace oxbow
