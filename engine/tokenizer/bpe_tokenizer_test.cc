#include "engine/tokenizer/bpe_tokenizer.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "engine/tokenizer/testing/small_bpe.h"
#include "engine/tokenizer/tokenizer_json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/nasty_text.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class BpeTokenizerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto spec = ParseTokenizerJson(SmallBpe().dump(), "small");
    ASSERT_TRUE(spec.ok()) << spec.status();
    pieces_ = spec->pieces;
    tokenizer_ = NewBpeTokenizer("hf:small", *std::move(spec));
  }

  // The pieces a text is cut into, special tokens by their content.
  std::vector<std::string> Cut(const std::string& text) const {
    std::vector<std::string> pieces;
    for (int id : Tokenize(*tokenizer_, text)) pieces.push_back(pieces_[id]);
    return pieces;
  }
  // The text of the units that are decided, whatever follows.
  std::vector<std::string> Decided(absl::string_view text) const {
    std::vector<std::string> units;
    std::vector<TextToken> unit;
    while (const int bytes = tokenizer_->Next(text, false, &unit)) {
      units.emplace_back(text.substr(0, bytes));
      text.remove_prefix(bytes);
    }
    return units;
  }

  std::vector<std::string> pieces_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_F(BpeTokenizerTest, SaysWhatItIs) {
  EXPECT_EQ(tokenizer_->name(), "hf:small");
  EXPECT_TRUE(tokenizer_->reads_text());
  EXPECT_EQ(tokenizer_->id_end(), static_cast<int>(pieces_.size()));
  EXPECT_EQ(tokenizer_->end_of_document(), 0);
  EXPECT_EQ(tokenizer_->Piece(0), "");
  EXPECT_EQ(tokenizer_->Piece(1), "");
  EXPECT_EQ(tokenizer_->Piece(100000), "");
  EXPECT_EQ(tokenizer_->closed_tail(), tokenizer_->longest_piece() - 1);
}

TEST_F(BpeTokenizerTest, CutsWordsThenMerges) {
  EXPECT_THAT(Cut("the world, and it's 1234."),
              ElementsAre("the", " world", ",", " and", " ", "i", "t", "'s",
                          " ", "123", "4", "."));
  EXPECT_THAT(Cut("she'll 'll"), ElementsAre("s", "he", "'ll", " '", "ll"));
  EXPECT_THAT(Cut("!'s"), ElementsAre("!", "'", "s"))
      << "only where a word begins";
  EXPECT_THAT(Cut("a\n\n\nb"), ElementsAre("a", "\n\n", "\n", "b"));
  EXPECT_THAT(Cut("\xe4\xbd\xa0\xe5\xa5\xbd"),
              ElementsAre("\xe4\xbd\xa0", "\xe5\xa5", "\xbd"));
}

TEST_F(BpeTokenizerTest, AddedTokensComeFirst) {
  EXPECT_THAT(Cut("a   b"), ElementsAre("a", "   ", "b"));
  EXPECT_THAT(Cut(std::string(9, ' ') + "b"),
              ElementsAre("      ", "   ", "b"));
  EXPECT_THAT(Cut("\n\n<|pad|>\n"), ElementsAre("\n\n", "<|pad|>", "\n"));
  EXPECT_THAT(Cut("<|pad|"), ElementsAre("<", "|", "p", "a", "d", "|"));
  EXPECT_THAT(Cut("ab[x]cd"), ElementsAre("a", "b", "[x]", "c", "d"));
  // Normalized, both ways of writing it are the token.
  EXPECT_THAT(Cut("\u00e9!"), ElementsAre("e\u0301!"));
  EXPECT_THAT(Cut("e\u0301!"), ElementsAre("e\u0301!"));
}

TEST_F(BpeTokenizerTest, UnitsAreDecidedAsSoonAsTheyCanBe) {
  EXPECT_THAT(Decided(""), IsEmpty());
  EXPECT_THAT(Decided("the"), IsEmpty());
  EXPECT_THAT(Decided("the "), IsEmpty()) << "a mark may follow the space";
  EXPECT_THAT(Decided("the wo"), ElementsAre("the"));
  EXPECT_THAT(Decided("the world. xy"), ElementsAre("the", " world", "."));
  EXPECT_THAT(Decided("<|pad|"), IsEmpty());
  EXPECT_THAT(Decided("<|pad|>"), ElementsAre("<|pad|>"));
  EXPECT_THAT(Decided("a\n\n"), ElementsAre("a"));
  EXPECT_THAT(Decided("a\n\nb.c"), ElementsAre("a", "\n\nb"))
      << "the end behind both would make them one";
  EXPECT_THAT(Decided("a\n b.c"), ElementsAre("a", "\n", " b"));
  EXPECT_THAT(Decided("it's"), ElementsAre("it"));
  EXPECT_THAT(Decided("it's."), ElementsAre("it", "'s"));
  EXPECT_THAT(Decided("it'so "), ElementsAre("it", "'s"));
  EXPECT_THAT(Decided("a\xe4\xbd"), IsEmpty());
  EXPECT_THAT(Decided("1\xe4\xbd\xa0."), ElementsAre("1"));
  // The mark is a word of its own, but no text may be cut before it.
  EXPECT_THAT(Decided("x\u0301y.z"), ElementsAre("x\u0301", "y"));
}

TEST_F(BpeTokenizerTest, EndsArePlacesInTheText) {
  std::vector<TextToken> unit;
  EXPECT_EQ(tokenizer_->Next(" cats ", true, &unit), 5);
  ASSERT_THAT(unit.size(), 3u);
  EXPECT_EQ(unit[0].end, 1);
  EXPECT_EQ(unit[1].end, 4);
  EXPECT_EQ(unit[2].end, 5);
  // Inside a character, as byte for byte.
  unit.clear();
  EXPECT_EQ(tokenizer_->Next("\xe5\xa5\xbd", true, &unit), 3);
  ASSERT_THAT(unit.size(), 2u);
  EXPECT_EQ(unit[0].end, 2);
  // Inside what normalization changed: where that begins. U+1EB9 is three
  // bytes and as many tokens.
  unit.clear();
  EXPECT_EQ(tokenizer_->Next("be\u0323", true, &unit), 4);
  ASSERT_THAT(unit.size(), 4u);
  EXPECT_EQ(unit[0].end, 1);
  EXPECT_EQ(unit[1].end, 1);
  EXPECT_EQ(unit[2].end, 1);
  EXPECT_EQ(unit[3].end, 4);
  // A byte that is not UTF-8 is U+FFFD.
  unit.clear();
  EXPECT_EQ(tokenizer_->Next("\xff", true, &unit), 1);
  EXPECT_EQ(Detokenize(*tokenizer_, {unit[0].id}), "\ufffd");
}

TEST_F(BpeTokenizerTest, LongWordsAreCut) {
  const std::string text(10000, 'b');
  std::vector<size_t> units;
  for (const std::string& unit : Decided(text + ".x")) {
    units.push_back(unit.size());
  }
  EXPECT_THAT(units, ElementsAre(4096, 4096, 10000 - 2 * 4096));
  EXPECT_THAT(Decided(std::string(4096, 'b')), IsEmpty());
  EXPECT_EQ(Decided(std::string(4098, 'b')).size(), 1u);
}

TEST_F(BpeTokenizerTest, TokensDoNotDependOnHowTextIsCut) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 10000; ++round) {
    const size_t longest = round % 100 == 0 ? 9000 : 200;
    const std::string text = NastyText(random() % longest, &random);
    const size_t chunk = 1 + random() % (1 + random() % longest);
    std::vector<int> ids;
    std::string pending;
    for (size_t next = 0; next < text.size();) {
      const size_t count = std::min(1 + random() % chunk, text.size() - next);
      pending.append(text, next, count);
      next += count;
      std::vector<TextToken> unit;
      while (const int bytes = tokenizer_->Next(pending, false, &unit)) {
        ASSERT_EQ(unit.back().end, bytes);
        for (const TextToken& token : unit) ids.push_back(token.id);
        unit.clear();
        pending.erase(0, bytes);
      }
      ASSERT_LT(static_cast<int>(pending.size()), tokenizer_->longest_piece());
    }
    for (int id : Tokenize(*tokenizer_, pending)) ids.push_back(id);
    ASSERT_EQ(ids, Tokenize(*tokenizer_, text))
        << "round " << round << " " << absl::BytesToHexString(text);
  }
}

// What the engine builds on: seams and checkpoints stand where units end.
TEST_F(BpeTokenizerTest, ATextMayBeCutWhereAUnitEnds) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 500; ++round) {
    const std::string text = NastyText(random() % 150, &random);
    const std::vector<int> whole = Tokenize(*tokenizer_, text);
    absl::string_view rest = text;
    std::vector<TextToken> unit;
    while (const int bytes = tokenizer_->Next(rest, true, &unit)) {
      rest.remove_prefix(bytes);
      const absl::string_view before(text.data(), text.size() - rest.size());
      std::vector<int> ids = Tokenize(*tokenizer_, before);
      ASSERT_EQ(ids.size(), unit.size())
          << absl::BytesToHexString(before) << " | "
          << absl::BytesToHexString(rest);
      for (int id : Tokenize(*tokenizer_, rest)) ids.push_back(id);
      ASSERT_EQ(ids, whole) << absl::BytesToHexString(before) << " | "
                            << absl::BytesToHexString(rest);
    }
  }
}

TEST_F(BpeTokenizerTest, EndsRiseToTheUnitsEnd) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 2000; ++round) {
    const std::string text = NastyText(random() % 100, &random);
    absl::string_view rest = text;
    std::vector<TextToken> unit;
    while (const int bytes = tokenizer_->Next(rest, true, &unit)) {
      int last = 0;
      for (const TextToken& token : unit) {
        ASSERT_LE(last, token.end);
        last = token.end;
      }
      ASSERT_EQ(last, bytes);
      rest.remove_prefix(bytes);
      unit.clear();
    }
    ASSERT_EQ(rest, "");
  }
}

TEST_F(BpeTokenizerTest, IdCoversAllThatTokensDependOn) {
  std::map<std::string, Digest> ids;
  const auto add = [&](const std::string& what, const nlohmann::json& json) {
    auto spec = ParseTokenizerJson(json.dump(), what);
    ASSERT_TRUE(spec.ok()) << spec.status();
    const Digest id = NewBpeTokenizer(what, *std::move(spec))->id();
    for (const auto& [other, digest] : ids) EXPECT_NE(id, digest) << other;
    ids[what] = id;
  };
  nlohmann::json json = SmallBpe();
  add("as it is", json);
  std::swap(json["model"]["merges"][0], json["model"]["merges"][1]);
  add("other ranks", json);
  json = SmallBpe();
  json["normalizer"] = nullptr;
  add("no normalizer", json);
  json = SmallBpe();
  json["added_tokens"].back()["content"] = "[y]";
  add("another added token", json);
  json = SmallBpe();
  json["added_tokens"].back()["normalized"] = true;
  add("found later", json);
  json = SmallBpe();
  json["version"] = "2.0";
  auto spec = ParseTokenizerJson(json.dump(), "");
  EXPECT_EQ(NewBpeTokenizer("x", *std::move(spec))->id(), ids["as it is"]);
}

// Lines of {"hex", "tokens", "decoded"}: what Hugging Face's tokenizers library
// makes of texts (testdata/README.md).
void ExpectVectors(const Tokenizer& tokenizer, const std::string& path) {
  std::ifstream file(path);
  int count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    const auto known = nlohmann::json::parse(line);
    const std::string hex = known["hex"];
    const std::string text = absl::HexStringToBytes(hex);
    const std::vector<int> ids = known["tokens"];
    EXPECT_EQ(Tokenize(tokenizer, text), ids) << hex;
    if (known["decoded"].is_null()) continue;
    const std::string decoded = known["decoded"];
    EXPECT_EQ(absl::BytesToHexString(Detokenize(tokenizer, ids)), decoded)
        << hex;
  }
  EXPECT_GT(count, 100) << path;
}

TEST_F(BpeTokenizerTest, AgreesWithTheReferenceLibrary) {
  ExpectVectors(*tokenizer_,
                "engine/tokenizer/testdata/small_bpe_vectors.jsonl");
}

TEST(RwkvPileTest, AgreesWithTheReferenceLibrary) {
  const char* shared = std::getenv("OXBOW_SHARED");
  const std::string path =
      absl::StrCat(shared ? shared : "", "/data/20B_tokenizer.json");
  if (!std::filesystem::exists(path)) {
    GTEST_SKIP() << "no 20B tokenizer (OXBOW_SHARED is not set)";
  }
  const auto pile = LoadHfTokenizer(path);
  ASSERT_TRUE(pile.ok()) << pile.status();
  EXPECT_EQ((*pile)->name(), "hf:20B_tokenizer.json");
  EXPECT_EQ((*pile)->id_end(), 50277);
  EXPECT_EQ((*pile)->end_of_document(), 0);
  EXPECT_THAT(Tokenize(**pile, "Hello world"), ElementsAre(12092, 1533));
  ExpectVectors(**pile, "engine/tokenizer/testdata/pile_vectors.jsonl");
}

}  // namespace
}  // namespace oxbow
