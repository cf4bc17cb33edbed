#include "engine/weights/tensor_catalog.h"

#include "absl/memory/memory.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

// Tensors of one number, which is the index.
class Numbered : public TensorSource {
 public:
  explicit Numbered(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      entries_.push_back({name, DType::kBF16, {1}});
    }
  }
  absl::Span<const TensorEntry> entries() const override { return entries_; }
  absl::Status Read(int index, absl::Span<char> bytes) override {
    bytes[0] = static_cast<char>(index);
    return absl::OkStatus();
  }

 private:
  std::vector<TensorEntry> entries_;
};

TEST(TensorCatalogTest, FindsByCanonicalName) {
  auto catalog =
      TensorCatalog::Make(absl::make_unique<Numbered>(std::vector<std::string>{
          "rwkv.emb.weight", "head.retr_head.fc1.weight"}));
  ASSERT_TRUE(catalog.ok());
  ASSERT_NE(catalog->Find("emb.weight"), nullptr);
  EXPECT_NE(catalog->Find("head.retr_head.fc1.weight"), nullptr);
  EXPECT_EQ(catalog->Find("rwkv.emb.weight"), nullptr);
  char bytes[2];
  ASSERT_TRUE(
      catalog->Read("head.retr_head.fc1.weight", absl::MakeSpan(bytes)).ok());
  EXPECT_EQ(bytes[0], 1);
}

TEST(TensorCatalogTest, RefusesOneNameForTwoTensors) {
  const auto catalog = TensorCatalog::Make(absl::make_unique<Numbered>(
      std::vector<std::string>{"emb.weight", "rwkv.emb.weight"}));
  EXPECT_EQ(catalog.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace oxbow
