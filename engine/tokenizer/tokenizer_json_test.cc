#include "engine/tokenizer/tokenizer_json.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/testing/small_bpe.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Json = nlohmann::json;

TEST(TokenizerJsonTest, ReadsAFile) {
  const auto spec = ParseTokenizerJson(SmallBpe().dump(), "f");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_TRUE(spec->normalizes);
  EXPECT_EQ(spec->pieces[0], "<|endoftext|>");
  EXPECT_EQ(spec->pieces[spec->byte_ids[' ']], " ");
  EXPECT_EQ(spec->byte_ids[0xff], -1);
  ASSERT_GT(spec->merges.size(), 50u);
  EXPECT_EQ(spec->pieces[spec->merges[0].merged], " t");
  ASSERT_EQ(spec->added.size(), 9u);
  EXPECT_TRUE(spec->added[0].is_special);
  EXPECT_FALSE(spec->added[0].in_normalized);
  EXPECT_EQ(spec->added[2].content, "      ");
  EXPECT_TRUE(spec->added[2].in_normalized);
}

// What other files of this kind hold, by JSON patch (RFC 6902).
TEST(TokenizerJsonTest, ReadsWhatMeansTheSame) {
  for (const char* patch : {
           R"([{"op": "remove", "path": "/normalizer"}])",
           R"([{"op": "remove", "path": "/model/type"}])",
           R"([{"op": "remove", "path": "/added_tokens"}])",
           R"([{"op": "replace", "path": "/decoder", "value": null}])",
           R"([{"op": "replace", "path": "/model/dropout", "value": 0.0}])",
           R"([{"op": "replace", "path": "/model/unk_token", "value": "x"}])",
           R"([{"op": "replace", "path": "/model/end_of_word_suffix",
                "value": ""}])",
           R"([{"op": "replace", "path": "/model/merges/0",
                "value": ["Ġ", "t"]}])",
           R"([{"op": "replace", "path": "/truncation",
                "value": {"max_length": 5, "strategy": {"a": [1, [2]]}}}])",
           R"([{"op": "replace", "path": "/normalizer", "value":
                {"type": "Sequence", "normalizers": [{"type": "NFC"}]}}])",
           R"([{"op": "remove", "path": "/pre_tokenizer/use_regex"}])",
           R"([{"op": "replace", "path": "/pre_tokenizer", "value":
                {"type": "Sequence", "pretokenizers": [
                  {"type": "ByteLevel", "add_prefix_space": false}]}}])",
           R"([{"op": "replace", "path": "/pre_tokenizer", "value":
                {"type": "Sequence", "pretokenizers": [
                  {"type": "Split", "behavior": "Isolated", "invert": false,
                   "pattern": {"Regex":
                     "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+)"
           R"(| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"}},
                  {"type": "ByteLevel", "add_prefix_space": false,
                   "use_regex": false}]}}])",
           R"([{"op": "replace", "path": "/post_processor", "value":
                {"type": "TemplateProcessing",
                 "single": [{"Sequence": {"id": "A", "type_id": 0}}]}}])",
           R"([{"op": "add", "path": "/added_tokens/0/extra", "value": [1]}])",
           R"([{"op": "add", "path": "/a~1b", "value": {"c/d": 1}}])",
       }) {
    const Json json = SmallBpe().patch(Json::parse(patch));
    const auto spec = ParseTokenizerJson(json.dump(), "f");
    EXPECT_TRUE(spec.ok()) << patch << spec.status();
  }
}

struct Malformed {
  const char* patch;
  const char* message;  // how it begins, behind the file's name
};

// Files that are JSON, but no tokenizer: a patch of the small one each.
const Malformed kMalformed[] = {
    {R"([{"op": "replace", "path": "", "value": {}}])", "model: "},
    {R"([{"op": "replace", "path": "", "value": []}])", "not an object"},
    {R"([{"op": "replace", "path": "", "value": 1}])", "not an object"},
    {R"([{"op": "replace", "path": "", "value": null}])", "not an object"},
    {R"([{"op": "remove", "path": "/model"}])", "model: there is no"},
    {R"([{"op": "replace", "path": "/model", "value": "BPE"}])",
     "model: there"},
    {R"([{"op": "replace", "path": "/model", "value": []}])", "model: there"},
    {R"([{"op": "replace", "path": "/model/type", "value": 3}])", "model/type"},
    {R"([{"op": "replace", "path": "/model/type", "value": "Unigram"}])",
     "model/type: a Unigram model is not supported"},
    {R"([{"op": "replace", "path": "/model/type", "value": "WordPiece"}])",
     "model/type: a WordPiece model is not supported"},
    {R"([{"op": "replace", "path": "/model", "value":
         {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]]}}])",
     "model/type: a Unigram model is not supported"},
    {R"([{"op": "replace", "path": "/model", "value":
         {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}])",
     "model/type: a WordLevel model is not supported"},
    {R"([{"op": "replace", "path": "/model", "value": {"vocab": {"a": 0}}}])",
     "model: a part without a type"},
    {R"([{"op": "replace", "path": "/model/dropout", "value": 0.1}])",
     "model/dropout: '0.1' is not supported"},
    {R"([{"op": "replace", "path": "/model/byte_fallback", "value": true}])",
     "model/byte_fallback: "},
    {R"([{"op": "replace", "path": "/model/ignore_merges", "value": true}])",
     "model/ignore_merges: "},
    {R"([{"op": "replace", "path": "/model/continuing_subword_prefix",
          "value": "##"}])",
     "model/continuing_subword_prefix: "},
    {R"([{"op": "replace", "path": "/model/end_of_word_suffix",
          "value": "</w>"}])",
     "model/end_of_word_suffix: "},
    {R"([{"op": "replace", "path": "/model/dropout", "value": {"a": 1}}])",
     "model/dropout: "},

    {R"([{"op": "replace", "path": "/normalizer/type", "value": "NFKC"}])",
     "normalizer: a NFKC normalizer is not supported"},
    {R"([{"op": "replace", "path": "/normalizer", "value": "NFC"}])",
     "normalizer: a part without a type"},
    {R"([{"op": "replace", "path": "/normalizer", "value":
         {"type": "Sequence", "normalizers": [{"type": "NFC"},
                                              {"type": "Lowercase"}]}}])",
     "normalizer/normalizers/1: a Lowercase normalizer is not supported"},
    {R"([{"op": "replace", "path": "/normalizer", "value":
         {"type": "Prepend", "prepend": "_"}}])",
     "normalizer: a Prepend normalizer is not supported"},

    {R"([{"op": "replace", "path": "/pre_tokenizer", "value": null}])",
     "pre_tokenizer: a file without one is not supported"},
    {R"([{"op": "replace", "path": "/pre_tokenizer", "value": 5}])",
     "pre_tokenizer: a part without a type"},
    {R"([{"op": "replace", "path": "/pre_tokenizer/type",
          "value": "Metaspace"}])",
     "pre_tokenizer: a Metaspace pre-tokenizer is not supported"},
    {R"([{"op": "replace", "path": "/pre_tokenizer/add_prefix_space",
          "value": true}])",
     "pre_tokenizer/add_prefix_space: true is not supported"},
    {R"([{"op": "remove", "path": "/pre_tokenizer/add_prefix_space"}])",
     "pre_tokenizer/add_prefix_space: true is not supported"},
    {R"([{"op": "replace", "path": "/pre_tokenizer/add_prefix_space",
          "value": "no"}])",
     "pre_tokenizer/add_prefix_space: want true or false"},
    {R"([{"op": "replace", "path": "/pre_tokenizer/use_regex",
          "value": false}])",
     "pre_tokenizer/use_regex: false is not supported"},
    {R"([{"op": "replace", "path": "/pre_tokenizer", "value":
         {"type": "Sequence", "pretokenizers": []}}])",
     "pre_tokenizer: an empty Sequence"},
    {R"([{"op": "replace", "path": "/pre_tokenizer", "value":
         {"type": "Sequence", "pretokenizers": [{"type": "Digits"},
                                                {"type": "ByteLevel"}]}}])",
     "pre_tokenizer/pretokenizers/0: a Digits before other steps"},
    {R"([{"op": "replace", "path": "/pre_tokenizer", "value":
         {"type": "Sequence", "pretokenizers": [
           {"type": "Split", "behavior": "Isolated",
            "pattern": {"Regex": "\\d"}}, {"type": "ByteLevel"}]}}])",
     "pre_tokenizer/pretokenizers/0/pattern: "},
    {R"([{"op": "replace", "path": "/pre_tokenizer", "value":
         {"type": "Sequence", "pretokenizers": [
           {"type": "Split", "pattern": {"String": " "}},
           {"type": "ByteLevel"}]}}])",
     "pre_tokenizer/pretokenizers/0/pattern: "},

    {R"([{"op": "replace", "path": "/decoder/type", "value": "WordPiece"}])",
     "decoder: a WordPiece is not supported"},
    {R"([{"op": "replace", "path": "/post_processor/type",
          "value": "BertProcessing"}])",
     "post_processor: a BertProcessing is not supported"},
    {R"([{"op": "replace", "path": "/post_processor", "value":
         {"type": "TemplateProcessing", "single": [
           {"SpecialToken": {"id": "<s>", "type_id": 0}},
           {"Sequence": {"id": "A", "type_id": 0}}]}}])",
     "post_processor: adding tokens to every text is not supported"},

    {R"([{"op": "remove", "path": "/model/vocab"}])",
     "model/vocab: there is none"},
    {R"([{"op": "replace", "path": "/model/vocab", "value": {}}])",
     "model/vocab: no token for the single byte 0x00"},
    {R"([{"op": "replace", "path": "/model/vocab", "value": []}])",
     "model/vocab: not an object"},
    {R"([{"op": "replace", "path": "/model/vocab", "value": 7}])",
     "model/vocab: not an object"},
    {R"([{"op": "remove", "path": "/model/vocab/A"}])",
     "model/vocab: no token for the single byte 0x41"},
    {R"([{"op": "replace", "path": "/model/vocab/A", "value": -1}])",
     "model/vocab: the id of 'A' is not a number from 0 on"},
    {R"([{"op": "replace", "path": "/model/vocab/A", "value": 1.5}])",
     "model/vocab: the id of 'A' is not a number from 0 on"},
    {R"([{"op": "replace", "path": "/model/vocab/A", "value": "5"}])",
     "model/vocab: the id of 'A' is not a number from 0 on"},
    {R"([{"op": "replace", "path": "/model/vocab/A", "value": null}])",
     "model/vocab: the id of 'A' is not a number from 0 on"},
    {R"([{"op": "replace", "path": "/model/vocab/A", "value": [5]}])",
     "model/vocab: an id is not a number"},
    {R"([{"op": "replace", "path": "/model/vocab/A", "value": {"B": 5}}])",
     "model/vocab: an id is not a number"},
    {R"([{"op": "replace", "path": "/model/vocab/A", "value": 1048576}])",
     "model/vocab: id 1048576 is past 1048575"},
    {R"([{"op": "replace", "path": "/model/vocab/A",
          "value": 18446744073709551615}])",
     "model/vocab: id 18446744073709551615 is past"},
    {R"([{"op": "replace", "path": "/model/vocab/A",
          "value": 99999999999999999999999}])",
     "model/vocab: the id of 'A' is not a number from 0 on"},
    {R"([{"op": "replace", "path": "/model/vocab/A", "value": 0}])",
     "model/vocab: id 0 is there twice"},
    {R"([{"op": "add", "path": "/model/vocab/", "value": 900}])",
     "model/vocab: token 900 has 0 bytes"},

    {R"([{"op": "remove", "path": "/model/merges"}])",
     "model/merges: there are none"},
    {R"([{"op": "replace", "path": "/model/merges", "value": {}}])",
     "model/merges: not an array"},
    {R"([{"op": "replace", "path": "/model/merges", "value": "a b"}])",
     "model/merges: not an array"},
    {R"([{"op": "replace", "path": "/model/merges/3", "value": 3}])",
     "model/merges: merge 3 is not two tokens"},
    {R"([{"op": "replace", "path": "/model/merges/3", "value": ""}])",
     "model/merges: merge 3 is not two tokens"},
    {R"([{"op": "replace", "path": "/model/merges/3", "value": "ab"}])",
     "model/merges: merge 3 is not two tokens"},
    {R"([{"op": "replace", "path": "/model/merges/3", "value": " a"}])",
     "model/merges: merge 3 is not two tokens"},
    {R"([{"op": "replace", "path": "/model/merges/3", "value": "a "}])",
     "model/merges: merge 3 is not two tokens"},
    {R"([{"op": "replace", "path": "/model/merges/3", "value": "a b c"}])",
     "model/merges: merge 3: 'b c' is not in the vocabulary"},
    {R"([{"op": "replace", "path": "/model/merges/3", "value": "Q Q"}])",
     "model/merges: merge 3: 'QQ' is not in the vocabulary"},
    {R"([{"op": "replace", "path": "/model/merges/3", "value": "QQ Q"}])",
     "model/merges: merge 3: 'QQ' is not in the vocabulary"},
    {R"([{"op": "replace", "path": "/model/merges/3", "value": "h e"}])",
     "model/merges: merge 3 is there twice"},
    {R"([{"op": "replace", "path": "/model/merges/3", "value": []}])",
     "model/merges: merge 3 is not two tokens"},
    {R"([{"op": "replace", "path": "/model/merges/3", "value": ["a"]}])",
     "model/merges: merge 3 is not two tokens"},
    {R"([{"op": "replace", "path": "/model/merges/3",
          "value": ["a", "b", "c"]}])",
     "model/merges: merge 3 is not two tokens"},
    {R"([{"op": "replace", "path": "/model/merges/3", "value": ["a", 1]}])",
     "model/merges: merge 3 is not two tokens"},
    {R"([{"op": "replace", "path": "/model/merges/3",
          "value": ["a", ["b"]]}])",
     "model/merges: a merge is not two strings"},
    {R"([{"op": "replace", "path": "/model/merges/3",
          "value": {"a": "b"}}])",
     "model/merges: a merge is an object"},

    {R"([{"op": "replace", "path": "/added_tokens", "value": {}}])",
     "added_tokens: not an array"},
    {R"([{"op": "replace", "path": "/added_tokens/1", "value": 5}])",
     "added_tokens/1/id: want a number"},
    {R"([{"op": "remove", "path": "/added_tokens/1/id"}])",
     "added_tokens/1/id: want a number"},
    {R"([{"op": "replace", "path": "/added_tokens/1/id", "value": -1}])",
     "added_tokens/1/id: want a number"},
    {R"([{"op": "replace", "path": "/added_tokens/1/id", "value": 1048576}])",
     "added_tokens/1/id: want a number"},
    {R"([{"op": "replace", "path": "/added_tokens/1/id", "value": 0}])",
     "added_tokens/1: its id or content is there twice"},
    {R"([{"op": "replace", "path": "/added_tokens/1/id", "value": 700}])",
     "added_tokens/1: '<|pad|>' is id 1 in the vocabulary, here 700"},
    {R"([{"op": "replace", "path": "/added_tokens/2/id", "value": 5}])",
     "added_tokens/2: id 5 is another token of the vocabulary"},
    {R"([{"op": "replace", "path": "/added_tokens/2/content", "value": ""}])",
     "added_tokens/2/content: want a string of 1 to 1024 bytes"},
    {R"([{"op": "replace", "path": "/added_tokens/2/content", "value": 1}])",
     "added_tokens/2/content: want a string of 1 to 1024 bytes"},
    {R"([{"op": "replace", "path": "/added_tokens/2/content",
          "value": "     "}])",
     "added_tokens/3: its id or content is there twice"},
    {R"([{"op": "replace", "path": "/added_tokens/2/lstrip", "value": true}])",
     "added_tokens/2/lstrip: 'true' is not supported"},
    {R"([{"op": "replace", "path": "/added_tokens/2/rstrip", "value": true}])",
     "added_tokens/2/rstrip: 'true' is not supported"},
    {R"([{"op": "replace", "path": "/added_tokens/2/single_word",
          "value": true}])",
     "added_tokens/2/single_word: 'true' is not supported"},
    {R"([{"op": "replace", "path": "/added_tokens/2/special",
          "value": "yes"}])",
     "added_tokens/2/special: want true or false"},
    {R"([{"op": "replace", "path": "/added_tokens/2/normalized",
          "value": 1}])",
     "added_tokens/2/normalized: want true or false"},
};

TEST(TokenizerJsonTest, EveryMalformedFileIsRefusedInOneSentence) {
  for (const Malformed& malformed : kMalformed) {
    const Json json = SmallBpe().patch(Json::parse(malformed.patch));
    const auto spec = ParseTokenizerJson(json.dump(), "some.json");
    ASSERT_FALSE(spec.ok()) << malformed.patch;
    const std::string message(spec.status().message());
    EXPECT_THAT(message,
                StartsWith(absl::StrCat("some.json: ", malformed.message)));
    EXPECT_LT(message.size(), 300u);
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    const bool unsupported = message.find("not supported") != std::string::npos;
    EXPECT_EQ(spec.status().code(), unsupported
                                        ? absl::StatusCode::kUnimplemented
                                        : absl::StatusCode::kInvalidArgument)
        << message;
  }
}

void ExpectRefused(const std::string& text, const std::string& message) {
  const auto spec = ParseTokenizerJson(text, "f");
  EXPECT_EQ(spec.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(spec.status().message()), HasSubstr(message));
}

TEST(TokenizerJsonTest, WhatIsNotJsonIsRefused) {
  const std::string whole = SmallBpe().dump();
  ExpectRefused("", "not JSON at byte");
  ExpectRefused(whole.substr(0, whole.size() / 2), "not JSON at byte");
  ExpectRefused(whole + "}", "not JSON at byte");
  ExpectRefused("{\"model\": NaN}", "not JSON at byte");
  ExpectRefused("{'model': 1}", "not JSON at byte");
  ExpectRefused("{\"a\": \"\xff\"}", "not JSON at byte");
  ExpectRefused("{\"a\": \"\xed\xa0\x80\"}", "not JSON at byte");
  ExpectRefused(R"({"a": "\ud800"})", "not JSON at byte");
  ExpectRefused(std::string("{\"a\0\": 1}", 9), "not JSON at byte");
  ExpectRefused("{\"a\": 1e999}", "not JSON at byte");
}

TEST(TokenizerJsonTest, KeysGivenTwiceAreRefused) {
  ExpectRefused(R"({"model": 1, "model": 2})", "model is there twice");
  ExpectRefused(R"({"a": {"b": 1, "b": 2}})", "a/b is there twice");
  std::string text = SmallBpe().dump();
  text.insert(text.find("\"A\":"), "\"A\":999,");
  ExpectRefused(text, "model/vocab: 'A' is there twice");
  text = SmallBpe().dump();
  text.insert(text.find("\"vocab\":"), "\"vocab\":{\"x\":1},");
  ExpectRefused(text, "model/vocab is there twice");
}

TEST(TokenizerJsonTest, HugeAndDeepFilesAreRefused) {
  ExpectRefused(std::string(1 << 20, '['), "not an object");
  std::string deep = "{\"a\":";
  for (int i = 0; i < 100000; ++i) deep += "[";
  ExpectRefused(deep, "nested too deep");
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  ExpectRefused(objects, "nested too deep");
  std::string wide = "{\"a\":[0";
  for (int i = 0; i < (1 << 17); ++i) wide += ",0";
  ExpectRefused(wide + "]}", "more than 131072 parts");
  std::string tokens = "{\"model\":{\"vocab\":{\"x\":0";
  for (int i = 0; i < (1 << 20); ++i) tokens += ",\"\":0";
  ExpectRefused(tokens + "}}}", "more than 1048576 tokens");
  std::string merges = "{\"model\":{\"merges\":[\"a b\"";
  for (int i = 0; i < (1 << 20); ++i) merges += ",\"a b\"";
  ExpectRefused(merges + "]}}", "more than 1048576 merges");
  Json json = SmallBpe();
  json["model"]["vocab"][std::string(1025, 'a')] = 900;
  ExpectRefused(json.dump(), "token 900 has 1025 bytes, want 1 to 1024");
  json = SmallBpe();
  json["added_tokens"][2]["content"] = std::string(1025, ' ');
  ExpectRefused(json.dump(), "added_tokens/2/content: want a string of 1 to");
  json["added_tokens"][2]["content"] = std::string(100000, ' ');
  ExpectRefused(json.dump(), "added_tokens/2/content: want a string of 1 to");
}

TEST(TokenizerJsonTest, NamesInErrorsAreShort) {
  Json json = SmallBpe();
  json["model"]["merges"][0] = std::string(900, 'q') + " q";
  const auto spec = ParseTokenizerJson(json.dump(), "f");
  EXPECT_LT(spec.status().message().size(), 200u);
  json = SmallBpe();
  json["model"]["type"] = std::string(2000, 'q');
  EXPECT_LT(ParseTokenizerJson(json.dump(), "f").status().message().size(),
            200u);
}

}  // namespace
}  // namespace oxbow
