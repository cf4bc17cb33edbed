// Models in GGML's blocks, in GGUF and in rwkv.cpp's files: every logit is that
// of a .safetensors file with the blocks' numbers in fp32, as near as products
// with activations of 16 bits come (kernels/cpu/block_product_test.cc has
// their bits, kernels/blocks_test.cc those of the numbers).
// (format_matrix_test.cc has formats without blocks.)
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/model/load_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/blocks.h"
#include "tests/testing/block_quantizer.h"
#include "tests/testing/gguf_writer.h"
#include "tests/testing/rwkv_cpp_writer.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {
namespace {

constexpr int kTokens = 12;

// Products with blocks round activations to 2^-15 of the largest of 32, and a
// random model makes more of it from layer to layer. The finest blocks, q8_0,
// round weights to 2^-8 of the largest.
constexpr double kBlockTolerance = 2e-4;

// What a model computes, and who it says it is.
struct Answer {
  std::vector<float> logits;
  Digest weights_id;
};

Answer Ask(const std::string& path) {
  auto model = LoadModel(path, LoadModelOptions());
  EXPECT_TRUE(model.ok()) << model.status();
  if (!model.ok()) return {};
  const ModelInfo& info = (*model)->info();
  const StateSlot slot = *(*model)->NewState();
  Batch batch;
  for (int i = 0; i < kTokens; ++i) {
    batch.tokens.push_back(i * 7 % info.vocabulary_size);
    batch.hidden_rows.push_back(i);
  }
  batch.row_end = {kTokens};
  batch.slots = {slot};
  std::vector<float> hidden(kTokens * info.width);
  (*model)->Step(batch, absl::MakeSpan(hidden));
  Answer answer;
  answer.logits.resize(kTokens * info.vocabulary_size);
  (*model)->Logits(hidden, absl::MakeSpan(answer.logits));
  answer.weights_id = info.weights_id;
  return answer;
}

// Rows of whole blocks of any format, low ranks of those of 32.
TinyModelOptions Options(const std::string& version) {
  TinyModelOptions options;
  options.version = version;
  options.layers = 2;
  options.width = 256;
  options.head_size = 32;
  options.vocabulary_size = 96;
  options.ffn_width = 512;
  options.w_rank = options.a_rank = options.v_rank = options.g_rank = 32;
  options.mix_rank = 32;
  options.time_first = version == "5.0" || version == "5.1";
  return options;
}

// The numbers that are left of them in a dtype.
std::vector<float> Rounded(const std::vector<float>& numbers, DType dtype) {
  std::vector<float> rounded(numbers.size());
  Dequantize(rounded.data(), EncodeAs(numbers, dtype).data(), dtype,
             static_cast<int64_t>(numbers.size()));
  return rounded;
}

bool IsEmbeddingOrHead(const TinyTensor& tensor) {
  return tensor.name == "emb.weight" || tensor.name == "head.weight";
}

// What llama-quantize quantizes.
bool IsMatrix(const TinyTensor& tensor) {
  return IsEmbeddingOrHead(tensor) ||
         (absl::EndsWith(tensor.name, ".weight") && tensor.shape.size() == 2);
}

bool IsLowRank(const TinyTensor& tensor) {
  const std::string part = tensor.name.substr(tensor.name.rfind('.') + 1);
  return part == "time_maa_w1" || absl::StartsWith(part, "time_decay_w") ||
         (part.size() == 2 && (part[1] == '1' || part[1] == '2'));
}

std::vector<float> Transposed(const TinyTensor& tensor) {
  const int64_t rows = tensor.shape[0], columns = tensor.shape[1];
  std::vector<float> to(tensor.numbers.size());
  for (int64_t i = 0; i < rows * columns; ++i) {
    to[i % columns * rows + i / columns] = tensor.numbers[i];
  }
  return to;
}

// The root of the mean squared error is within `tolerance` of the numbers' own.
void ExpectNear(const std::vector<float>& got, const std::vector<float>& want,
                double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  double errors = 0, squares = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    errors += std::pow(double{got[i]} - want[i], 2);
    squares += std::pow(want[i], 2);
  }
  EXPECT_LE(std::sqrt(errors / squares), tolerance);
  EXPECT_GT(squares, 0);
}

class BlockFormatsTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::string test = absl::StrCat(
        testing::TempDir(), "/",
        testing::UnitTest::GetInstance()->current_test_info()->name());
    for (char& c : test) c = c == '.' ? '_' : c;
    folder_ = test;
    std::filesystem::create_directories(folder_);
  }

  Answer AskPlain(const std::vector<TinyTensor>& tensors, DType dtype,
                  const char* end) {
    const std::string path = absl::StrCat(folder_, "/plain", end);
    EXPECT_TRUE(WriteTensors(tensors, dtype, path).ok());
    return Ask(path);
  }
  Answer AskGguf(const std::vector<TinyTensor>& tensors,
                 const GgufModelOptions& options) {
    EXPECT_TRUE(WriteGguf(tensors, options, folder_ + "/m.gguf").ok());
    return Ask(folder_ + "/m.gguf");
  }
  Answer AskRwkvCpp(const std::vector<TinyTensor>& tensors,
                    const RwkvCppOptions& options) {
    EXPECT_TRUE(WriteRwkvCpp(tensors, options, folder_ + "/m.bin").ok());
    return Ask(folder_ + "/m.bin");
  }

  std::string folder_;
};

class GgufTest : public BlockFormatsTest {};

// What the converter divides this tensor's numbers by, where it rescales every
// layer.
float DividedBy(const std::string& version, const TinyTensor& tensor) {
  const bool divided = absl::EndsWith(tensor.name, "att.output.weight") ||
                       absl::EndsWith(tensor.name, "ffn.value.weight");
  return version == "6" && divided && absl::StartsWith(tensor.name, "blocks.1.")
             ? 2.0f
             : 1.0f;
}

// As llama.cpp's tools write it: matrices in blocks, all else in fp32.
TEST_P(GgufTest, BlocksAreTheirNumbers) {
  for (DType dtype : {DType::kQ8_0, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
                      DType::kQ5_1, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    std::vector<TinyTensor> tensors = MakeTinyTensors(Options(GetParam()));
    GgufModelOptions options;
    options.dtype = dtype;
    options.rescale_every = 1;
    const Answer gguf = AskGguf(tensors, options);
    for (TinyTensor& tensor : tensors) {
      if (!IsMatrix(tensor)) continue;
      const float divided = DividedBy(GetParam(), tensor);
      for (float& number : tensor.numbers) number /= divided;
      tensor.numbers = Rounded(tensor.numbers, dtype);
      for (float& number : tensor.numbers) number *= divided;
    }
    const Answer plain = AskPlain(tensors, DType::kF32, ".safetensors");
    SCOPED_TRACE(NameOf(dtype));
    ExpectNear(gguf.logits, plain.logits, kBlockTolerance);
    EXPECT_NE(gguf.weights_id, plain.weights_id) << NameOf(dtype);
  }
}

// "RWKV_5_2".
std::string NameOfVersion(const testing::TestParamInfo<const char*>& info) {
  return absl::StrCat("RWKV_", absl::StrReplaceAll(info.param, {{".", "_"}}));
}

INSTANTIATE_TEST_SUITE_P(Versions, GgufTest, testing::Values("6", "7"),
                         NameOfVersion);

class RwkvCppTest : public BlockFormatsTest {
 protected:
  // RWKV-4 and 5 have decays that went through exp() and back.
  bool IsExact() const {
    const std::string version = GetParam();
    return version == "6" || version == "7";
  }
  void ExpectSame(const Answer& got, const Answer& want) const {
    if (IsExact()) {
      EXPECT_EQ(got.logits, want.logits);
      return;
    }
    ExpectNear(got.logits, want.logits, 3e-5);
  }
};

TEST_P(RwkvCppTest, IsTheModelOfThePth) {
  std::vector<TinyTensor> tensors = MakeTinyTensors(Options(GetParam()));
  const Answer pth = AskPlain(tensors, DType::kF32, ".pth");
  const Answer bin = AskRwkvCpp(tensors, {101, DType::kF32});
  ExpectSame(bin, pth);
  if (IsExact()) {
    EXPECT_EQ(bin.weights_id, pth.weights_id);
  }

  for (TinyTensor& tensor : tensors) {
    tensor.numbers = Rounded(tensor.numbers, DType::kF16);
  }
  ExpectSame(AskRwkvCpp(tensors, {101, DType::kF16}),
             AskPlain(tensors, DType::kF16, ".pth"));
}

// rwkv.cpp quantizes whatever has two dimensions in its file, but for the
// embedding and the head.
TEST_P(RwkvCppTest, BlocksAreTheirNumbers) {
  for (uint32_t version : {100, 101}) {
    for (DType dtype : {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
                        DType::kQ8_0}) {
      std::vector<TinyTensor> tensors = MakeTinyTensors(Options(GetParam()));
      const Answer bin = AskRwkvCpp(tensors, {version, dtype});
      for (TinyTensor& tensor : tensors) {
        if (IsLowRank(tensor)) {
          tensor.numbers = Rounded(Transposed(tensor), dtype);
          std::swap(tensor.shape[0], tensor.shape[1]);
          tensor.numbers = Transposed(tensor);
          std::swap(tensor.shape[0], tensor.shape[1]);
        } else if ((IsMatrix(tensor) && !IsEmbeddingOrHead(tensor)) ||
                   absl::EndsWith(tensor.name, "r_k")) {
          tensor.numbers = Rounded(tensor.numbers, dtype);
        }
      }
      SCOPED_TRACE(absl::StrCat(version, " ", NameOf(dtype)));
      const Answer plain = AskPlain(tensors, DType::kF32, ".safetensors");
      ExpectNear(bin.logits, plain.logits, kBlockTolerance);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, RwkvCppTest,
                         testing::Values("4", "5.0", "5.1", "5.2", "6", "7"),
                         NameOfVersion);

// Where in a block fp16 scales are.
struct ScalePlace {
  DType dtype;
  size_t offset;
};

constexpr ScalePlace kScales[] = {
    {DType::kQ8_0, 0}, {DType::kQ4_0, 0}, {DType::kQ4_1, 0},
    {DType::kQ4_1, 2}, {DType::kQ5_0, 0}, {DType::kQ5_1, 0},
    {DType::kQ5_1, 2}, {DType::kQ4_K, 0}, {DType::kQ4_K, 2},
    {DType::kQ5_K, 0}, {DType::kQ5_K, 2}, {DType::kQ6_K, 208}};

void ExpectNoModel(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  const absl::Status status = LoadModel(path, LoadModelOptions()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              testing::HasSubstr("blocks.1.ffn.key.weight"));
}

// NaN, its negative, and both infinities as the scale of one block.
TEST(BlockScalesTest, MustBeFinite) {
  const std::vector<TinyTensor> tensors = MakeTinyTensors(Options("7"));
  const std::string path = testing::TempDir() + "/m.gguf";
  for (const ScalePlace& scale : kScales) {
    GgufModelOptions options;
    options.dtype = scale.dtype;
    const GgufFile good = MakeGguf(tensors, options);
    for (uint16_t bits : {0x7e00, 0xfe00, 0x7c00, 0xfc00}) {
      SCOPED_TRACE(absl::StrCat(NameOf(scale.dtype), " ", scale.offset, " ",
                                absl::Hex(bits)));
      GgufFile bad = good;
      for (const GgufFile::Tensor& tensor : bad.tensors) {
        if (tensor.name != "blk.1.channel_mix_key.weight") continue;
        // The second block.
        const size_t at =
            tensor.offset + BytesPerBlock(scale.dtype) + scale.offset;
        bad.numbers.replace(at, sizeof(bits),
                            reinterpret_cast<const char*>(&bits), sizeof(bits));
      }
      ExpectNoModel(path, bad.Bytes());
    }
  }
}

// Old blocks have scales in fp32: one too large for fp16 is infinite there.
TEST(BlockScalesTest, OldOnesMustFitHalves) {
  const std::vector<TinyTensor> tensors = MakeTinyTensors(Options("7"));
  const std::string path = testing::TempDir() + "/m.bin";
  for (DType dtype : {DType::kQ4_0, DType::kQ4_1, DType::kQ8_0}) {
    const RwkvCppFile good = MakeRwkvCpp(tensors, {100, dtype});
    for (float scale : {std::nanf(""), HUGE_VALF, -HUGE_VALF, 1e6f, 65520.0f}) {
      SCOPED_TRACE(absl::StrCat(NameOf(dtype), " ", scale));
      RwkvCppFile bad = good;
      for (RwkvCppFile::Tensor& tensor : bad.tensors) {
        if (tensor.name != "blocks.1.ffn.key.weight") continue;
        tensor.bytes.replace(0, sizeof(scale),
                             reinterpret_cast<const char*>(&scale),
                             sizeof(scale));
      }
      ExpectNoModel(path, bad.Bytes());
    }
  }
}

}  // namespace
}  // namespace oxbow
