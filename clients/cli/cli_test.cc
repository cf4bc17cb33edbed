// The whole program against a puppet engine: JSON lines and exit codes.
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/sha256.h"
#include "clients/cli/cli_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(CliTest, FaultsHaveTheirExitCodes) {
  EXPECT_EQ(Run({"append", "s", "/no/such/file"}).code, 66);
  EXPECT_EQ(Run({"append", "a/b", File("x")}).code, 1);
  const Result missing = Run({"show", "nosuch"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_EQ(missing.err, "oxbow: NOT_FOUND (NO_STREAM): no stream nosuch\n");
  EXPECT_EQ(RunRaw({"oxbow", "--server=127.0.0.1:1", "ls"}).code, 69);
  for (const std::vector<std::string>& bad :
       std::vector<std::vector<std::string>>{
           {},
           {"no-such-command"},
           {"show"},
           {"show", "s", "t"},
           {"generate", "s", "--max-tokens=-1"},
           {"generate", "s", "--max-tokens=99999999999"},
           {"generate", "s", "--at-byte=-1"},
           {"append", "s", "f", "--chunk-bytes=0"},
           {"append", "s", "f", "--retry-for=nan"},
           {"embed"},
           {"embed", "s", "--text=x"},
           {"embed", "s", "--query"},
           {"embed", "--text=x", "--chunk-tokens=3"},
           {"rerank", "q"},
           {"rerank", "q", "s@x"},
           {"rerank", "q", "s@-1"},
           {"embed", "s", "--pooling=max"},
           {"embed", "s", "--at-byte=1", "--at-token=1"},
           {"search", "s"},
           {"search", "s", "q", "--mode=magic"},
           {"search", "--all", "q", "r"},
           {"score", "s"},
           {"score", "s", "x", "--frobnicate"},
           {"score", "s", "--tokens", "12x"}}) {
    const Result result = Run(bad);
    EXPECT_EQ(result.code, 64) << testing::PrintToString(bad) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1);
  }
}

TEST_F(CliTest, HelpDocumentsJsonAndExitCodes) {
  const Result result = Run({"--help"});
  EXPECT_EQ(result.code, 0);
  for (const char* word : {"state_digest", "finish_reason", "top_logprobs",
                           "Exit codes", "69", "U+FFFD"}) {
    EXPECT_THAT(result.out, HasSubstr(word));
  }
  EXPECT_EQ(Run({"append", "--help"}).code, 0);
}

TEST_F(CliTest, GeneratePrintsTokensAndBranches) {
  engine().set_text("s", "text");
  const auto lines = RunJson({"generate", "s", "--max-tokens=2", "--branches=2",
                              "--top-logprobs=1"})
                         .lines();
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_THAT(KeysOf(lines[0]), ElementsAre("branch", "token", "text", "bytes",
                                            "logprob", "top_logprobs"));
  EXPECT_EQ(lines[0]["text"], "a");
  EXPECT_EQ(lines[0]["bytes"], "YQ==");
  EXPECT_EQ(lines[0]["top_logprobs"][0]["token"], 97);
  EXPECT_EQ(lines[4]["finish_reason"], "length");
  EXPECT_EQ(lines[4]["text"], "ab");
  EXPECT_EQ(Run({"generate", "s", "--max-tokens=3"}).out, "abc\n");
}

TEST_F(CliTest, GenerateGoesOnByItsId) {
  engine().set_text("s", "text");
  EXPECT_EQ(Run({"generate", "s", "--max-tokens=5", "--id=g"}).out, "abcde\n");
  EXPECT_EQ(Run({"generate", "s", "--resume=g", "--from=3"}).out, "de\n");
  EXPECT_EQ(Run({"generate", "s", "--resume=g"}).out, "abcde\n");
  EXPECT_EQ(Run({"generate", "s", "--resume=nope"}).code, 1);
  EXPECT_EQ(Run({"generate", "s", "--from=3"}).code, 64);
}

TEST_F(CliTest, TextIsUtf8AndBytesAreExact) {
  const std::string bytes("h\xc3\xa9\xff\xf0\x9f\x98 z\x00.", 11);
  engine().set_text("s", bytes);
  const auto lines = RunJson({"text", "s"}).lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["text"], std::string("h\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd "
                                          "z\x00.",
                                          13));
  EXPECT_EQ(lines[0]["bytes"], "aMOp//CfmCB6AC4=");
  EXPECT_EQ(Run({"text", "s"}).out, bytes);
  EXPECT_EQ(Run({"text", "s", "--from-byte=1", "--to-byte=3"}).out, "\xc3\xa9");
}

TEST_F(CliTest, ScoreTakesEachTextAsItIs) {
  engine().set_text("s", "text");
  const auto lines =
      RunJson({"score", "s", "[a,b]", "two words", "{x}"}).lines();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["text"], "[a,b]");
  EXPECT_EQ(lines[0]["logprob"], -5.0);
  EXPECT_EQ(lines[0]["tokens"].size(), 5u);
  EXPECT_EQ(lines[1]["text"], "two words");
  EXPECT_EQ(lines[2]["text"], "{x}");
  const auto ids = RunJson({"score", "s", "--tokens", "1 2\n3"}).lines();
  EXPECT_EQ(ids[0]["tokens"][2]["token"], 3);
}

TEST_F(CliTest, EmbedTokenizeAndModel) {
  engine().set_text("s", "some text");
  const Json embed = RunJson({"embed", "s", "--at-byte=4"}).lines()[0];
  EXPECT_EQ(embed["values"].size(), 32u);
  EXPECT_EQ(embed["dimensions"], 32);
  EXPECT_EQ(embed["pooling"], "mean");
  EXPECT_EQ(embed["byte_offset"], 4);
  const Json text = RunJson({"embed", "--text=abc"}).lines()[0];
  EXPECT_EQ(text["byte_offset"], 3);
  EXPECT_EQ(RunJson({"tokenize", "hi"}).out, "{\"tokens\":[104,105]}\n");
  EXPECT_EQ(Run({"tokenize", "-"}, Pipe("\xff\n")).out, "255 10\n");
  EXPECT_EQ(RunJson({"model"}).lines()[0]["generator"]["version"], "puppet");
}

TEST_F(CliTest, RerankPutsTheBestFirst) {
  const auto append = [this](const std::string& name, const std::string& text,
                             const std::string& flag) {
    return Run({"append", name, File(text), flag}).code;
  };
  EXPECT_EQ(append("one", "a cat", "--rerankable"), 0);
  EXPECT_EQ(append("two", "cat and cat", "--rerankable-for=Find pets"), 0);
  EXPECT_EQ(append("none", "a dog", "--retry-for=1"), 0);
  const auto lines =
      RunJson({"rerank", "cat", "none", "one", "two", "two@6"}).lines();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0]["stream"], "two");
  EXPECT_EQ(lines[0]["index"], 2);
  EXPECT_EQ(lines[0]["logit"], 2);
  EXPECT_NEAR(lines[0]["score"], 0.880797, 1e-6);
  EXPECT_EQ(lines[0]["plain"], false);
  EXPECT_EQ(lines[1]["stream"], "one");
  EXPECT_EQ(lines[2]["index"], 3);
  EXPECT_EQ(lines[2]["byte_offset"], 6);
  EXPECT_EQ(lines[3]["plain"], true);

  const auto table = Run({"rerank", "-", "one", "two", "none"}, Pipe("cat"));
  EXPECT_EQ(table.out,
            "   1  score 0.8808  two  byte 11\n"
            "   2  score 0.7311  one  byte 5\n"
            "   3  score 0.5000  none  byte 5  (plain)\n");
  EXPECT_EQ(RunJson({"rerank", "cat", "one", "two", "--top=1"}).lines().size(),
            1u);
  EXPECT_EQ(RunJson({"show", "two"}).lines()[0]["embedding_plan"]["prefix"],
            "Instruct: Find pets\nDocument: ");
  EXPECT_EQ(RunJson({"show", "one"}).lines()[0]["embedding_plan"]["prefix"],
            "Instruct: Given a query, retrieve documents that answer the "
            "query\nDocument: ");
  // A prefix cannot be added or changed later.
  EXPECT_EQ(append("none", "more", "--rerankable"), 65);
  EXPECT_EQ(append("two", "more", "--rerankable"), 65);
  EXPECT_EQ(append("one", "more", "--rerankable"), 0);
}

TEST_F(CliTest, StreamsAreListedShownForkedMarkedAndRemoved) {
  for (int i = 0; i < 205; ++i) {
    engine().set_text(absl::StrCat("s", 1000 + i), "text");
  }
  EXPECT_EQ(RunJson({"ls"}).lines().size(), 205u);
  const Json show = RunJson({"show", "s1000"}).lines()[0];
  EXPECT_EQ(show["byte_offset"], 4);
  EXPECT_EQ(show["state_digest"], ToHex(Sha256("text")));
  const Json fork = RunJson({"fork", "s1000", "f", "--at-byte=2"}).lines()[0];
  EXPECT_EQ(fork["forked_from"], "s1000");
  EXPECT_EQ(engine().text("f"), "te");
  const Json saved = RunJson({"checkpoint", "f", "--label=L"}).lines()[0];
  EXPECT_EQ(saved["byte_offset"], 2);
  EXPECT_EQ(saved["state_digest"], ToHex(Sha256("te")));
  EXPECT_EQ(RunJson({"checkpoints", "f"}).lines()[0]["labels"][0], "L");
  const std::string path = testing::TempDir() + "/f.state";
  EXPECT_EQ(RunJson({"export", "f", path}).lines()[0]["bytes"], 2);
  EXPECT_EQ(RunJson({"import", path, "g"}).lines()[0]["stream"], "g");
  EXPECT_EQ(engine().text("g"), "te");
  EXPECT_EQ(Run({"export", "none", path + "2"}).code, 1);
  EXPECT_EQ(Run({"import", path + "2", "h"}).code, 66);
  EXPECT_EQ(Run({"rm", "f"}).code, 0);
  EXPECT_EQ(Run({"show", "f"}).code, 1);
}

class SearchTest : public CliTest {
 protected:
  SearchTest() {
    // Spans of ten bytes.
    Append("a", "zzzzzzzzz oxbow lake");
    Append("a", "qqqqqqqqq xkcd tail");
    Append("b", "the oxbow bbbbbbbbb ");
  }
  void Append(const std::string& stream, const std::string& text) {
    EXPECT_EQ(Run({"append", stream, File(text), "--embed-every=10"}).code, 0);
  }
};

TEST_F(SearchTest, FindsTheSpanInEachMode) {
  for (const char* mode : {"lexical", "vector", "hybrid"}) {
    const auto lines = RunJson({"search", "a", "oxbow lake", "--top=1",
                                absl::StrCat("--mode=", mode)})
                           .lines();
    ASSERT_EQ(lines.size(), 1u) << mode;
    EXPECT_EQ(lines[0]["stream"], "a");
    EXPECT_EQ(lines[0]["byte_offset"], 10) << mode;
    EXPECT_EQ(lines[0]["text"], "oxbow lake");
    EXPECT_GT(lines[0]["score"], 0);
  }
}

TEST_F(SearchTest, AlsoTheOpenSpanAtTheEnd) {
  const auto lines = RunJson({"search", "a", "tail", "--mode=lexical"}).lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["byte_offset"], 30);
  EXPECT_EQ(lines[0]["text"], "xkcd tail");
}

TEST_F(SearchTest, AllStreamsAreSearchedAndThoseWithoutTimelinePassedOver) {
  engine().set_text("c", "oxbow without a plan");
  const auto lines =
      RunJson({"search", "--all", "oxbow", "--mode=lexical"}).lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0]["stream"], lines[1]["stream"]);
  EXPECT_EQ(Run({"search", "c", "oxbow"}).code, 1);
}

TEST_F(SearchTest, SaysThatRawVectorsAreWeak) {
  const Result result = Run({"search", "a", "oxbow"});
  EXPECT_THAT(result.err, HasSubstr("weak at search"));
  EXPECT_THAT(result.out, HasSubstr("a  byte 10  score"));
  EXPECT_EQ(Run({"search", "a", "oxbow", "--mode=lexical"}).err, "");
}

}  // namespace
}  // namespace oxbow::cli
