#include "tests/bench/reading_way.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/bench/load_source.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

ReadModel TestModel() {
  ReadModel model;
  model.path = WriteTestModel(/*embedder=*/false);
  model.threads = 1;
  return model;
}

// Twice, since every round reads the text anew.
void ExpectReads(absl::StatusOr<std::unique_ptr<ReadingWay>> way) {
  ASSERT_TRUE(way.ok()) << way.status();
  const std::string text = bench::RandomWords(20000);
  for (int round = 0; round < 2; ++round) {
    const absl::StatusOr<Reading> reading = (*way)->Read(text);
    ASSERT_TRUE(reading.ok()) << reading.status();
    EXPECT_GT(reading->seconds, 1e-4);
    EXPECT_LT(reading->seconds, 30);
    EXPECT_GT(reading->cpu_seconds, 1e-4);
    EXPECT_LT(reading->cpu_seconds, 30);
  }
}

TEST(ReadingWayTest, TheModelAlone) { ExpectReads(NewModelWay(TestModel())); }

TEST(ReadingWayTest, TheEngine) {
  ExpectReads(NewEngineWay(TestModel(), std::make_unique<MemoryStore>()));
}

TEST(ReadingWayTest, AServer) {
  ExpectReads(
      NewServerWay(TestModel(), absl::StrCat(testing::TempDir(), "/server")));
}

TEST(ReadingWayTest, CountsTheTokensOfTheModelsTokenizer) {
  ReadModel model = TestModel();
  model.tokenizer = "bytes";
  const auto tokens = CountTokens(model, "seven\n\n");
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_EQ(*tokens, 7);
}

TEST(ReadingWayTest, SaysWhatStandsInTheWay) {
  ReadModel model = TestModel();
  model.path = "none.safetensors";
  EXPECT_FALSE(NewModelWay(model).ok());
  EXPECT_FALSE(NewEngineWay(model, std::make_unique<MemoryStore>()).ok());
  EXPECT_FALSE(NewServerWay(model, testing::TempDir()).ok());
}

}  // namespace
}  // namespace oxbow
