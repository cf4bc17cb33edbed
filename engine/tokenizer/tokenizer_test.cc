#include "engine/tokenizer/tokenizer.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "engine/tokenizer/testing/small_bpe.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A folder of its own for each test.
class TokenizerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = absl::StrCat(
        testing::TempDir(), "/",
        testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }

  // A small vocabulary in the World format.
  std::string WriteVocabulary(const std::string& name,
                              const std::string& more = "") {
    const std::string path = folder_ + "/" + name;
    std::ofstream file(path);
    for (int byte = 0; byte < 256; ++byte) {
      file << byte + 1 << " b'\\x"
           << absl::StrCat(absl::Hex(byte, absl::kZeroPad2)) << "' 1\n";
    }
    file << "257 'the' 3\n258 'there' 5\n259 ' the' 4\n" << more;
    return path;
  }

  std::string folder_;
};

// Tokens of a text that comes in pieces cut at random places.
std::vector<int> TokenizeInPieces(const Tokenizer& tokenizer,
                                  absl::string_view text,
                                  std::mt19937& random) {
  std::vector<int> ids;
  std::string pending;
  size_t next = 0;
  while (next < text.size()) {
    const size_t count = std::min<size_t>(1 + random() % (1 + random() % 40),
                                          text.size() - next);
    pending.append(text.data() + next, count);
    next += count;
    std::vector<TextToken> unit;
    while (const int bytes = tokenizer.Next(pending, false, &unit)) {
      EXPECT_EQ(unit.back().end, bytes);
      for (const TextToken& token : unit) ids.push_back(token.id);
      pending.erase(0, bytes);
      unit.clear();
    }
    EXPECT_LT(pending.size(), static_cast<size_t>(tokenizer.longest_piece()));
  }
  const std::vector<int> rest = Tokenize(tokenizer, pending);
  ids.insert(ids.end(), rest.begin(), rest.end());
  return ids;
}

TEST_F(TokenizerTest, TakesTheLongestPieceAndWaitsForIt) {
  const auto world = LoadWorldTokenizer(WriteVocabulary("v.txt"));
  ASSERT_TRUE(world.ok()) << world.status();
  const Tokenizer& t = **world;
  EXPECT_EQ(t.name(), "world:v.txt");
  EXPECT_EQ(t.id_end(), 260);
  EXPECT_EQ(t.longest_piece(), 5);
  EXPECT_EQ(t.end_of_document(), 0);
  EXPECT_TRUE(t.reads_text());
  EXPECT_THAT(Tokenize(t, "there the ther"),
              ElementsAre(258, 259, 259, 'r' + 1));
  EXPECT_EQ(t.closed_tail(), 0);
  std::vector<TextToken> unit;
  EXPECT_EQ(t.Next("ther", false, &unit), 0);
  EXPECT_THAT(unit, IsEmpty());
  EXPECT_EQ(t.Next("there", false, &unit), 5);
  EXPECT_THAT(unit, ElementsAre(TextToken{258, 5}));
  EXPECT_EQ(t.Next("ther", true, &unit), 3);
  EXPECT_EQ(t.Next("therX", false, &unit), 3);
  EXPECT_EQ(t.Next("", true, &unit), 0);
  EXPECT_EQ(t.Next("", false, &unit), 0);
  EXPECT_EQ(unit.size(), 3u);
  EXPECT_EQ(Detokenize(t, {258, 0, 259, 70000}), "there the");
}

TEST_F(TokenizerTest, IdZeroMayBeAPiece) {
  const auto world =
      LoadWorldTokenizer(WriteVocabulary("v.txt", "0 'zero' 4\n"));
  ASSERT_TRUE(world.ok()) << world.status();
  EXPECT_EQ((*world)->end_of_document(), -1);
  EXPECT_THAT(Tokenize(**world, "zero"), ElementsAre(0));
}

TEST_F(TokenizerTest, IdIsOfTheTable) {
  const Digest id = (*LoadWorldTokenizer(WriteVocabulary("v.txt")))->id();
  EXPECT_EQ((*LoadWorldTokenizer(WriteVocabulary("w.txt")))->id(), id);
  EXPECT_NE(
      (*LoadWorldTokenizer(WriteVocabulary("w.txt", "300 'ab' 2\n")))->id(),
      id);
  EXPECT_NE(
      (*LoadWorldTokenizer(WriteVocabulary("w.txt", "301 'ab' 2\n")))->id(),
      (*LoadWorldTokenizer(WriteVocabulary("x.txt", "300 'ab' 2\n")))->id());
  EXPECT_NE(NewBytesTokenizer()->id(), NewNoTokenizer(256)->id());
}

TEST_F(TokenizerTest, FaultsNameFileAndLine) {
  const std::string path = WriteVocabulary("v.txt", "oops\n");
  const auto bad = LoadWorldTokenizer(path);
  EXPECT_EQ(bad.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(bad.status().message()),
              HasSubstr(path + ":260: want ID LITERAL LENGTH"));
  EXPECT_EQ(LoadWorldTokenizer(folder_ + "/none").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(LoadWorldTokenizer(folder_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(TokenizerTest, BytesAreIds) {
  const auto bytes = NewBytesTokenizer();
  EXPECT_EQ(bytes->name(), "bytes");
  EXPECT_EQ(bytes->id_end(), 256);
  EXPECT_EQ(bytes->longest_piece(), 1);
  EXPECT_EQ(bytes->end_of_document(), -1);
  std::string all;
  std::vector<int> ids;
  for (int byte = 0; byte < 256; ++byte) {
    all.push_back(static_cast<char>(byte));
    ids.push_back(byte);
  }
  EXPECT_EQ(Tokenize(*bytes, all), ids);
  EXPECT_EQ(Detokenize(*bytes, ids), all);
  std::mt19937 random(1);
  EXPECT_EQ(TokenizeInPieces(*bytes, all, random), ids);
}

TEST_F(TokenizerTest, NoneReadsNoText) {
  const auto none = NewNoTokenizer(1000);
  EXPECT_EQ(none->name(), "none");
  EXPECT_FALSE(none->reads_text());
  EXPECT_EQ(none->id_end(), 1000);
  EXPECT_EQ(none->end_of_document(), 0);
  EXPECT_EQ(Detokenize(*none, {1, 2, 999}), "");
}

TEST_F(TokenizerTest, FlagSaysWhich) {
  const std::string path = WriteVocabulary("v.txt");
  EXPECT_EQ((*MakeTokenizer("bytes", "", 256))->name(), "bytes");
  EXPECT_EQ((*MakeTokenizer("none", "", 77))->id_end(), 77);
  EXPECT_EQ((*MakeTokenizer("world:" + path, "", 260))->name(), "world:v.txt");
  EXPECT_EQ(MakeTokenizer("wurld:x", "", 260).status().code(),
            absl::StatusCode::kInvalidArgument);
  const auto small = MakeTokenizer("world:" + path, "", 259);
  EXPECT_EQ(small.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(small.status().message()),
              HasSubstr("ids up to 259, the model 259 tokens"));
  EXPECT_FALSE(MakeTokenizer("bytes", "", 255).ok());
}

TEST_F(TokenizerTest, EmptyFlagLooksBesideTheModel) {
  const std::string model = folder_ + "/model.safetensors";
  const auto none = MakeTokenizer("", model, 1000);
  EXPECT_EQ(none.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(none.status().message()),
              HasSubstr("--tokenizer=world:PATH"));
  WriteVocabulary("other.vocab");
  EXPECT_FALSE(MakeTokenizer("", model, 1000).ok());
  WriteVocabulary("rwkv_vocab_v1.txt");
  EXPECT_EQ((*MakeTokenizer("", model, 1000))->name(),
            "world:rwkv_vocab_v1.txt");
  WriteVocabulary("rwkv_vocab_v2.txt");
  EXPECT_EQ(MakeTokenizer("", model, 1000).status().code(),
            absl::StatusCode::kInvalidArgument);
  WriteVocabulary("model.vocab");
  EXPECT_EQ((*MakeTokenizer("", model, 1000))->name(), "world:model.vocab");
  std::ofstream(model).put('{');
  for (const char* slash : {"", "/"}) {
    const auto own = MakeTokenizer("", folder_ + slash, 1000);
    ASSERT_TRUE(own.ok()) << own.status();
    EXPECT_EQ((*own)->name(), "world:model.vocab") << "the model of a folder";
  }
}

TEST_F(TokenizerTest, ATokenizerJsonIsFoundWhereItFits) {
  const std::string model = folder_ + "/model.pth";
  const std::string path = WriteSmallBpe(folder_ + "/20B_tokenizer.json");
  const auto named = MakeTokenizer("hf:" + path, "", 1000);
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_EQ((*named)->name(), "hf:20B_tokenizer.json");
  const int ids = (*named)->id_end();
  EXPECT_FALSE(MakeTokenizer("hf:" + path, "", ids - 1).ok());
  for (int size : {ids, ids + 1, 512}) {
    EXPECT_TRUE(MakeTokenizer("", model, size).ok()) << size;
  }
  for (int size : {ids - 1, 513}) {
    const auto other = MakeTokenizer("", model, size);
    EXPECT_EQ(other.status().code(), absl::StatusCode::kNotFound);
    EXPECT_THAT(std::string(other.status().message()),
                HasSubstr(absl::StrCat("20B_tokenizer.json has ", ids,
                                       " ids, the model ", size, " tokens")));
  }
  WriteSmallBpe(folder_ + "/tokenizer.json");
  EXPECT_EQ((*MakeTokenizer("", model, 512))->name(), "hf:tokenizer.json");
  WriteVocabulary("rwkv_vocab_v1.txt");
  EXPECT_EQ((*MakeTokenizer("", model, 512))->name(),
            "world:rwkv_vocab_v1.txt");
  EXPECT_EQ(LoadHfTokenizer(folder_ + "/none").status().code(),
            absl::StatusCode::kNotFound);
  const auto bad = LoadHfTokenizer(folder_ + "/rwkv_vocab_v1.txt");
  EXPECT_THAT(std::string(bad.status().message()),
              HasSubstr("rwkv_vocab_v1.txt: not an object"));
}

// The public World vocabulary and texts with their official ids.
class WorldTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("OXBOW_SHARED");
    const std::string data = absl::StrCat(shared ? shared : "", "/data/");
    if (!std::filesystem::exists(data + "world-vectors.jsonl")) {
      GTEST_SKIP() << "no World vectors (OXBOW_SHARED is not set)";
    }
    auto world = LoadWorldTokenizer(data + "rwkv_vocab_v20230424.txt");
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = *std::move(world);
    std::ifstream file(data + "world-vectors.jsonl");
    for (std::string line; std::getline(file, line);) {
      const auto known = nlohmann::json::parse(line);
      texts_.push_back(absl::HexStringToBytes(known["hex"].get<std::string>()));
      ids_.push_back(known["tokens"].get<std::vector<int>>());
    }
    ASSERT_GT(texts_.size(), 400u);
  }

  std::unique_ptr<Tokenizer> world_;
  std::vector<std::string> texts_;
  std::vector<std::vector<int>> ids_;
};

TEST_F(WorldTest, TokenizesAsTheOfficialOne) {
  EXPECT_EQ(world_->id_end(), 65530);
  EXPECT_EQ(world_->longest_piece(), 128);
  EXPECT_EQ(world_->end_of_document(), 0);
  for (size_t i = 0; i < texts_.size(); ++i) {
    EXPECT_EQ(Tokenize(*world_, texts_[i]), ids_[i]) << i;
    EXPECT_EQ(Detokenize(*world_, ids_[i]), texts_[i]) << i;
  }
  EXPECT_THAT(Tokenize(*world_, "User: hi\n\nAssistant: <think"),
              ElementsAre(24281, 59, 4571, 261, 5585, 41693, 59, 295, 35762));
}

TEST_F(WorldTest, TokensDoNotDependOnHowTextIsCut) {
  std::mt19937 random(2);
  for (int cut = 0; cut < 10000; ++cut) {
    const size_t i = random() % texts_.size();
    ASSERT_EQ(TokenizeInPieces(*world_, texts_[i], random), ids_[i]) << i;
  }
}

}  // namespace
}  // namespace oxbow
