// Every version in every format: the same numbers are the same model.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/model/load_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/gguf_writer.h"
#include "tests/testing/pth_writer.h"
#include "tests/testing/renamed_tensors.h"
#include "tests/testing/rwkv_cpp_writer.h"
#include "tests/testing/safetensors_writer.h"
#include "tests/testing/shards_writer.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {
namespace {

using testing::FloatNear;
using testing::Pointwise;

// Writes a model into an empty folder and returns what to give as --model.
using Writer = std::function<absl::StatusOr<std::string>(
    const TinyTensors& tensors, DType dtype, const std::string& folder)>;

struct Format {
  std::string name;
  std::vector<std::string> versions;
  Writer write;
  std::vector<DType> dtypes = {DType::kBF16, DType::kF16, DType::kF32};
  // False if the format keeps other numbers, from which the model's follow.
  bool is_exact = true;
};

const std::vector<std::string>& AllVersions() {
  static const auto* const kAll =
      new std::vector<std::string>{"4", "5.0", "5.1", "5.2", "6", "7"};
  return *kAll;
}

template <class T>
bool Has(const std::vector<T>& all, const T& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// The file `name`, written by `write`, of what `rename` makes of the tensors.
Writer InFile(const char* name,
              std::function<TinyTensors(const TinyTensors&)> rename) {
  return [=](const TinyTensors& tensors, DType dtype,
             const std::string& folder) -> absl::StatusOr<std::string> {
    const std::string path = folder + name;
    const absl::Status written = WriteSafetensors(rename(tensors), dtype, path);
    if (!written.ok()) return written;
    return path;
  };
}

// A folder of shards, with a config.json that says nothing wrong.
Writer InShards(std::function<TinyTensors(const TinyTensors&)> rename) {
  return [=](const TinyTensors& tensors, DType dtype,
             const std::string& folder) -> absl::StatusOr<std::string> {
    const absl::Status written = WriteShards(rename(tensors), dtype, folder);
    if (!written.ok()) return written;
    std::ofstream(folder + "/config.json")
        << R"({"hidden_size":64,"num_hidden_layers":3,"vocab_size":256,)"
        << R"("norm_eps":1e-05})";
    return folder;
  };
}

absl::StatusOr<std::string> InGguf(const TinyTensors& tensors, DType dtype,
                                   const std::string& folder) {
  GgufModelOptions options;
  options.dtype = dtype;
  options.all_in_dtype = true;
  // fp16 loses bits of the smallest numbers when it is divided.
  options.rescale_every = dtype == DType::kF16 ? 0 : 2;
  const std::string path = folder + "/m.gguf";
  const absl::Status written = WriteGguf(tensors, options, path);
  if (!written.ok()) return written;
  return path;
}

// fp32 only: whatever has "time_" in its name is never anything else there.
absl::StatusOr<std::string> InRwkvCpp(const TinyTensors& tensors, DType dtype,
                                      const std::string& folder) {
  const std::string path = folder + "/m.bin";
  const absl::Status written = WriteRwkvCpp(tensors, {101, dtype}, path);
  if (!written.ok()) return written;
  return path;
}

std::vector<Format> Formats() {
  const auto same = [](const TinyTensors& tensors) { return tensors; };
  const auto fla = [](const TinyTensors& t) { return AsFla(t, false); };
  const auto fused = [](const TinyTensors& t) { return AsFla(t, true); };
  const auto turned = [](const TinyTensors& t) { return AsWebRwkv(t, true); };
  const auto turned6 = [](const TinyTensors& t) { return AsWebRwkv(t, false); };
  return {
      {"safetensors", AllVersions(), InFile("/m.safetensors", same)},
      {"shards", AllVersions(), InShards(same)},
      {"fla", {"7"}, InFile("/model.safetensors", fla)},
      {"fla_fused", {"7"}, InFile("/model.safetensors", fused)},
      {"fla_shards", {"7"}, InShards(fla)},
      {"hf",
       {"4", "5.0", "5.1", "5.2", "6"},
       InFile("/model.safetensors", AsHuggingFace)},
      {"hf_shards", {"4", "5.0", "5.1", "5.2", "6"}, InShards(AsHuggingFace)},
      {"gguf", {"6", "7"}, InGguf},
      {"rwkv_cpp", {"6", "7"}, InRwkvCpp, {DType::kF32}},
      {"rwkv_cpp_with_exps_done",
       {"4", "5.0", "5.1", "5.2"},
       InRwkvCpp,
       {DType::kF32},
       /*is_exact=*/false},
      {"st", {"5.2", "6", "7"}, InFile("/m.st", turned)},
      {"st_of_rwkv6", {"5.2", "6"}, InFile("/m.st", turned6)},
      {"st_named_safetensors",
       {"5.2", "6", "7"},
       InFile("/m.safetensors", turned)},
  };
}

struct Outcome {
  Digest weights_id;
  std::vector<float> logits;
};

absl::StatusOr<Outcome> RunModel(const std::string& path) {
  LoadModelOptions options;
  options.threads = 1;
  options.slots_max = 1;
  auto model = LoadModel(path, options);
  if (!model.ok()) return model.status();
  Batch batch;
  for (int i = 0; i < 40; ++i) {
    batch.tokens.push_back(i * 37 % 256);
    batch.hidden_rows.push_back(i);
  }
  batch.row_end = {40};
  batch.slots = {*(*model)->NewState()};
  std::vector<float> hidden(40 * (*model)->info().width);
  (*model)->Step(batch, absl::MakeSpan(hidden));
  Outcome outcome;
  outcome.logits.resize(40 * (*model)->info().vocabulary_size);
  (*model)->Logits(hidden, absl::MakeSpan(outcome.logits));
  outcome.weights_id = (*model)->info().weights_id;
  return outcome;
}

std::string EmptyFolder(const std::string& name) {
  const std::string folder = absl::StrCat(testing::TempDir(), "/", name);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

class FormatMatrixTest : public testing::TestWithParam<std::string> {};

TEST_P(FormatMatrixTest, SameNumbersAreTheSameModel) {
  TinyModelOptions options;
  options.version = GetParam();
  options.layers = 3;
  options.first_layer_v = true;
  const TinyTensors tensors = MakeTinyTensors(options);
  for (DType dtype : {DType::kBF16, DType::kF16, DType::kF32}) {
    const std::string path = EmptyFolder("pth") + "/m.pth";
    ASSERT_TRUE(WritePth(tensors, dtype, path).ok());
    const auto want = RunModel(path);
    ASSERT_TRUE(want.ok()) << want.status();
    for (const Format& format : Formats()) {
      if (!Has(format.versions, GetParam()) || !Has(format.dtypes, dtype)) {
        continue;
      }
      SCOPED_TRACE(absl::StrCat(format.name, " ", NameOf(dtype)));
      const auto model = format.write(tensors, dtype, EmptyFolder(format.name));
      ASSERT_TRUE(model.ok()) << model.status();
      const auto got = RunModel(*model);
      ASSERT_TRUE(got.ok()) << got.status();
      if (format.is_exact) {
        EXPECT_EQ(got->weights_id, want->weights_id);
        EXPECT_EQ(got->logits, want->logits);
      } else {
        EXPECT_THAT(got->logits, Pointwise(FloatNear(1e-4f), want->logits));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Versions, FormatMatrixTest, testing::ValuesIn(AllVersions()),
    [](const auto& info) {
      return "Rwkv" + absl::StrReplaceAll(info.param, {{".", "_"}});
    });

}  // namespace
}  // namespace oxbow
