// Files of rerankers: what is read from them, and what is refused. The scores
// are held to their equations in tests/reference.
#include "engine/model/reranker.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "engine/model/testing/load_tiny.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/pth_writer.h"

namespace oxbow {
namespace {

using testing::HasSubstr;
using Layers = absl::optional<NamedInts>;

Layers Named(std::vector<int64_t> layers) {
  return NamedInts("reranker_layer_idx", std::move(layers));
}

class RerankerTest : public testing::Test {
 protected:
  RerankerTest() {
    TinyModelOptions options;
    options.layers = 4;
    options.embedding_heads = {"retr"};
    embedder_ = LoadTiny(options, "embedder.pth");
    for (const std::vector<int>& text :
         {std::vector<int>{1, 2, 3, 255}, {9, 8, 255}, {7, 7, 7, 7, 255}}) {
      slots_.push_back(*embedder_->NewState());
      Read(*embedder_, slots_.back(), text);
    }
  }

  static Tensors Good(int layers = 4) {
    TinyModelOptions options;
    options.layers = layers;
    options.reranker = true;
    options.seed = 5;
    return MakeTinyTensors(options);
  }
  absl::StatusOr<std::unique_ptr<Reranker>> Load(const Tensors& tensors,
                                                 const Layers& layers = {}) {
    const std::string path = PathOf("reranker.pth");
    OXBOW_CHECK_OK(WritePth(tensors, DType::kF32, layers, path));
    Reranker::LoadOptions options;
    options.threads = 1;
    return Reranker::Load(path, options, embedder_->info());
  }
  std::vector<float> Scores(const Tensors& tensors, const Layers& layers = {}) {
    return *(*Load(tensors, layers))->Score(*embedder_, slots_);
  }
  void ExpectRefused(const Tensors& tensors, const Layers& layers,
                     const std::string& words) {
    const auto reranker = Load(tensors, layers);
    EXPECT_EQ(reranker.status().code(), absl::StatusCode::kInvalidArgument);
    const std::string said(reranker.status().message());
    EXPECT_THAT(said, HasSubstr(words));
    EXPECT_THAT(said, HasSubstr("reranker.pth: "));
    EXPECT_THAT(said, testing::Not(HasSubstr("\n")));
  }

  std::unique_ptr<Model> embedder_;
  std::vector<StateSlot> slots_;
};

TEST_F(RerankerTest, AStatesScoreDoesNotDependOnTheOthers) {
  const auto reranker = *Load(Good());
  const std::vector<float> together = *reranker->Score(*embedder_, slots_);
  EXPECT_NE(together[0], together[1]);
  for (size_t i = slots_.size(); i-- > 0;) {
    const std::string before = StateOf(*embedder_, slots_[i]);
    EXPECT_EQ((*reranker->Score(*embedder_, {slots_[i]}))[0], together[i]);
    EXPECT_EQ(StateOf(*embedder_, slots_[i]), before);
  }
}

TEST_F(RerankerTest, NamesAreReadWithAndWithoutTheirPrefix) {
  const std::vector<float> want = Scores(Good());
  Tensors bare = Good();
  for (TinyTensor& tensor : bare) tensor.name.erase(0, sizeof("reranker.") - 1);
  EXPECT_EQ(Scores(bare), want);
  oxbow::Named(bare, "token.weight").name = "emb.weight";
  EXPECT_EQ(Scores(bare), want);
}

TEST_F(RerankerTest, TheEmbedderBesideItIsPassedOver) {
  TinyModelOptions options;
  options.embedding_heads = {"retr"};
  Tensors both = MakeTinyTensors(options);
  const Tensors reranker = Good();
  both.insert(both.end(), reranker.begin(), reranker.end());
  EXPECT_EQ(Scores(both), Scores(reranker));
  // And the other way round: as a model, it is the embedder.
  const auto model = *oxbow::Load(both, "both.pth");
  EXPECT_FALSE(model->info().has_rank_head);
  EXPECT_EQ(model->info().vocabulary_size, 256);
  EXPECT_EQ(model->info().weights_id,
            LoadTiny(options, "alone.pth")->info().weights_id);
}

TEST_F(RerankerTest, LayersAreChosenByTheFile) {
  EXPECT_EQ(Scores(Good(), Named({0, 1, 2, 3})), Scores(Good()));
  const std::vector<float> some = Scores(Good(2), Named({1, 3}));
  EXPECT_NE(some, Scores(Good(2)));
  EXPECT_EQ(some, Scores(Good(2), Named({-3, -1})));
  EXPECT_NE(some, Scores(Good(2), Named({3, 1})));
}

TEST_F(RerankerTest, WhatDoesNotFitIsRefused) {
  ExpectRefused(Good(), Named({0, 1, 2, 4}),
                "layer 4; the embedder has layers 0 .. 3");
  ExpectRefused(Good(), Named({0, 1, 2, -5}), "layer -5; the embedder has");
  ExpectRefused(Good(), Named({0, 1, 2, int64_t{1} << 31}),
                "layer -2147483648");
  ExpectRefused(Good(), Named({0, 1, 2}), "names 3 layers for 4 blocks");
  ExpectRefused(Good(), Named({}), "names 0 layers for 4 blocks");
  ExpectRefused(Good(5), {}, "layer 4; the embedder has layers 0 .. 3");
  ExpectRefused(Good(), Named(std::vector<int64_t>(257)), "at most 256 whole");
  ExpectRefused(Good(), NamedInts("other", {0}), "other: is not a tensor");

  TinyModelOptions wide;
  wide.reranker = true;
  wide.width = 128;
  ExpectRefused(MakeTinyTensors(wide), {},
                "the reranker has 128 channels in heads of 16, the embedder 64 "
                "in heads of 16");
  TinyModelOptions heads;
  heads.reranker = true;
  heads.head_size = 32;
  ExpectRefused(MakeTinyTensors(heads), {}, "64 channels in heads of 32");

  for (const char* name :
       {"head.0.weight", "head.0.bias", "head.2.weight", "token.weight",
        "ln_out.bias", "blocks.0.ln0.weight", "blocks.3.att.v1"}) {
    Tensors tensors = Good();
    Drop(tensors, absl::StrCat("reranker.", name));
    ExpectRefused(tensors, {},
                  std::string(name) == "token.weight" ? "emb.weight" : name);
  }
  Tensors tensors = Good();
  oxbow::Named(tensors, "reranker.head.2.weight").shape = {2, 32};
  ExpectRefused(tensors, {}, "head.2.weight: want [1,64], file has [2,32]");
  tensors = Good();
  oxbow::Named(tensors, "reranker.head.0.bias").numbers[3] = NAN;
  ExpectRefused(tensors, {}, "head.0.bias: holds a NaN");
  tensors = Good();
  TinyTensor& token = oxbow::Named(tensors, "reranker.token.weight");
  token.shape = {2, 64};
  token.numbers.resize(128);
  ExpectRefused(tensors, {}, "want the one row of a reranker's token");
  tensors = Good();
  tensors.push_back({"reranker.emb.weight", {1, 64}, std::vector<float>(64)});
  ExpectRefused(tensors, {}, "emb.weight: is there twice");
  tensors = Good();
  tensors.push_back(
      {"reranker.head.4.weight", {1, 64}, std::vector<float>(64)});
  ExpectRefused(tensors, {}, "head.4.weight");
  ExpectRefused(MakeTinyTensors(TinyModelOptions()), {}, "no reranker");
}

TEST_F(RerankerTest, OnlyRwkv7EmbeddersHaveOne) {
  TinyModelOptions options;
  options.version = "6";
  options.layers = 4;
  embedder_ = LoadTiny(options, "six.pth");
  ExpectRefused(Good(), {}, "the embedder is RWKV-6");
}

TEST_F(RerankerTest, ScoresAreBetweenNoughtAndOne) {
  EXPECT_EQ(RankScore(0), 0.5f);
  EXPECT_NEAR(RankScore(2), 0.880797f, 1e-6);
  EXPECT_EQ(RankScore(-1e30f), static_cast<float>(0.0));
  EXPECT_EQ(RankScore(1e30f), 1.0f);
}

}  // namespace
}  // namespace oxbow
