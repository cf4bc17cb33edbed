#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "engine/tokenizer/gguf_vocabulary.h"
#include "engine/tokenizer/tokenizer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/testing/gguf_writer.h"

namespace oxbow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int32_t kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5;

struct Token {
  std::string text;
  int32_t type = kNormal;
};

// "<s>", the 256 bytes, and these.
std::vector<Token> BytesAnd(const std::vector<Token>& more) {
  std::vector<Token> tokens = {{"<s>", kControl}};
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back({GgufTokenText(std::string(1, static_cast<char>(byte)))});
  }
  tokens.insert(tokens.end(), more.begin(), more.end());
  return tokens;
}

GgufFile FileOf(const std::vector<Token>& tokens) {
  GgufFile file;
  file.AddText("general.architecture", "rwkv7");
  file.AddText("tokenizer.ggml.model", "rwkv");
  std::vector<std::string> texts;
  std::vector<int32_t> types;
  for (const Token& token : tokens) {
    texts.push_back(token.text);
    types.push_back(token.type);
  }
  file.AddTexts("tokenizer.ggml.tokens", texts);
  file.AddI32s("tokenizer.ggml.token_type", types);
  return file;
}

// The path of a file of this test.
std::string Write(const GgufFile& file) {
  const std::string folder = absl::StrCat(
      testing::TempDir(), "/",
      testing::UnitTest::GetInstance()->current_test_info()->name());
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/m.gguf", std::ios::binary) << file.Bytes();
  return folder + "/m.gguf";
}

TEST(GgufTokenizerTest, UnescapesAsPythonEscapes) {
  EXPECT_EQ(*UnescapeGgufToken(""), "");
  EXPECT_EQ(*UnescapeGgufToken("plain text"), "plain text");
  EXPECT_EQ(*UnescapeGgufToken("\\n\\t\\r\\\\\\'\\\""), "\n\t\r\\'\"");
  EXPECT_EQ(*UnescapeGgufToken("\\x00\\xfF\\x80."),
            std::string("\0\xff\x80.", 4));
  EXPECT_EQ(*UnescapeGgufToken("\\\\n"), "\\n");
  EXPECT_EQ(*UnescapeGgufToken("\xc3\xa4"), "\xc3\xa4");
  for (const char* bad :
       {"\\", "a\\", "\\x", "\\x1", "\\xg0", "\\q", "\\u0041", "\\0", "\\N"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(UnescapeGgufToken(bad).status()))
        << bad;
  }
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(*UnescapeGgufToken(GgufTokenText(all)), all);
}

TEST(GgufTokenizerTest, ControlTokensAreNoText) {
  const auto made =
      LoadGgufTokenizer(Write(FileOf(BytesAnd({{"the"},
                                               {" the", kUserDefined},
                                               {"[PAD259]", kUnused},
                                               {"\\n\\n"},
                                               {"<x>", kControl},
                                               {"[PAD262]", kUnused}}))));
  ASSERT_TRUE(made.ok()) << made.status();
  const Tokenizer& tokenizer = **made;
  EXPECT_EQ(tokenizer.name(), "gguf:m.gguf");
  EXPECT_EQ(tokenizer.end_of_document(), 0);
  EXPECT_EQ(tokenizer.id_end(), 261);
  EXPECT_THAT(Tokenize(tokenizer, "<s>the the\n\n"),
              ElementsAre('<' + 1, 's' + 1, '>' + 1, 257, 258, 260));
  EXPECT_THAT(Tokenize(tokenizer, "<x>"),
              ElementsAre('<' + 1, 'x' + 1, '>' + 1));
  EXPECT_EQ(tokenizer.Piece(0), "");
  EXPECT_EQ(tokenizer.Piece(259), "");
  EXPECT_EQ(tokenizer.Piece(260), "\n\n");
}

TEST(GgufTokenizerTest, WithoutTypesIdZeroIsTheEnd) {
  GgufFile file = FileOf(BytesAnd({}));
  file.values.pop_back();
  const auto made = LoadGgufTokenizer(Write(file));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ((*made)->end_of_document(), 0);
  EXPECT_THAT(Tokenize(**made, "<s>"), ElementsAre('<' + 1, 's' + 1, '>' + 1));
}

TEST(GgufTokenizerTest, FaultsGetASentence) {
  const struct {
    std::vector<Token> more;
    const char* message;
  } cases[] = {
      {{{"\\q"}}, "tokenizer.ggml.tokens: token 257: unknown escape \\q"},
      {{{"\\x4"}}, "token 257: a \\x without two hex digits"},
      {{{"ab\\"}}, "token 257: it ends in a backslash"},
      {{{"ab"}, {"ab"}}, "token 258: the piece is there twice"},
      {{{"a"}}, "token 257: the piece is there twice"},
      {{{"\\x61"}}, "token 257: the piece is there twice"},
      {{{""}}, "token 257: a piece of 0 bytes"},
      {{{std::string(1025, 'x')}}, "token 257: a piece of 1025 bytes"},
  };
  for (const auto& known : cases) {
    const auto made = LoadGgufTokenizer(Write(FileOf(BytesAnd(known.more))));
    EXPECT_TRUE(absl::IsInvalidArgument(made.status())) << made.status();
    EXPECT_THAT(std::string(made.status().message()), HasSubstr(known.message));
  }
  std::vector<Token> tokens = BytesAnd({});
  tokens[256].type = kUnused;
  EXPECT_THAT(
      std::string(LoadGgufTokenizer(Write(FileOf(tokens))).status().message()),
      HasSubstr("no piece for the single byte 0xff"));
}

TEST(GgufTokenizerTest, OtherTokenizersAreRefusedByName) {
  GgufFile file = FileOf(BytesAnd({}));
  file.values[1].bytes = GgufText("gpt2");
  EXPECT_TRUE(absl::IsUnimplemented(LoadGgufTokenizer(Write(file)).status()));
  EXPECT_THAT(
      std::string(MakeTokenizer("", Write(file), 300).status().message()),
      HasSubstr("the embedded tokenizer is 'gpt2'"));
  file = FileOf(BytesAnd({}));
  file.values.erase(file.values.begin() + 2);  // the tokens
  EXPECT_TRUE(absl::IsInvalidArgument(LoadGgufTokenizer(Write(file)).status()));
  file = FileOf(BytesAnd({}));
  file.values.back().key = "tokenizer.ggml.tokens_";
  file.AddI32s("tokenizer.ggml.token_type", {1, 2, 3});
  EXPECT_THAT(std::string(LoadGgufTokenizer(Write(file)).status().message()),
              HasSubstr("token_type has 3 types for 257 tokens"));
}

TEST(GgufTokenizerTest, AModelFileBringsItsOwn) {
  const std::string path = Write(FileOf(BytesAnd({{"the"}})));
  const auto embedded = MakeTokenizer("", path, 258);
  ASSERT_TRUE(embedded.ok()) << embedded.status();
  EXPECT_EQ((*embedded)->name(), "gguf:m.gguf");
  EXPECT_EQ((*MakeTokenizer("gguf:" + path, "", 258))->id(), (*embedded)->id());
  EXPECT_TRUE(absl::IsInvalidArgument(MakeTokenizer("", path, 257).status()));
  // A file that embeds none looks beside itself.
  GgufFile none;
  none.AddText("general.architecture", "rwkv7");
  none.AddText("tokenizer.ggml.model", "none");
  EXPECT_TRUE(absl::IsNotFound(MakeTokenizer("", Write(none), 258).status()));
}

// The public World vocabulary in a GGUF file gives its tokens.
TEST(GgufTokenizerTest, WorldIsWorld) {
  const char* shared = std::getenv("OXBOW_SHARED");
  const std::string data = absl::StrCat(shared ? shared : "", "/data/");
  if (!std::filesystem::exists(data + "world-vectors.jsonl")) {
    GTEST_SKIP() << "no World vectors (OXBOW_SHARED is not set)";
  }
  const auto world = LoadWorldTokenizer(data + "rwkv_vocab_v20230424.txt");
  ASSERT_TRUE(world.ok()) << world.status();
  std::vector<Token> tokens = {{"<s>", kControl}};
  for (int id = 1; id < 65536; ++id) {
    const std::string piece((*world)->Piece(id));
    if (piece.empty()) {
      tokens.push_back({absl::StrCat("[PAD", id, "]"), kUnused});
    } else {
      tokens.push_back({GgufTokenText(piece)});
    }
  }
  const auto embedded = LoadGgufTokenizer(Write(FileOf(tokens)));
  ASSERT_TRUE(embedded.ok()) << embedded.status();
  EXPECT_EQ((*embedded)->id(), (*world)->id());
  EXPECT_EQ((*embedded)->id_end(), 65530);
  std::ifstream file(data + "world-vectors.jsonl");
  int texts = 0;
  for (std::string line; std::getline(file, line); ++texts) {
    const auto known = nlohmann::json::parse(line);
    const std::string text =
        absl::HexStringToBytes(known["hex"].get<std::string>());
    EXPECT_EQ(Tokenize(**embedded, text),
              known["tokens"].get<std::vector<int>>())
        << line;
  }
  EXPECT_GT(texts, 400);
}

}  // namespace
}  // namespace oxbow
