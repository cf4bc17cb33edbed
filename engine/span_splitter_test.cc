#include "engine/span_splitter.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using Kind = EmbeddingPlan::Kind;
using Spans = std::vector<std::string>;
using testing::ElementsAre;

EmbeddingPlan Plan(Kind kind, int tokens = 0) {
  EmbeddingPlan plan;
  plan.kind = kind;
  plan.tokens = tokens;
  return plan;
}

// The spans of a stream of these pieces, each piece a token.
Spans Split(const EmbeddingPlan& plan, const Spans& pieces) {
  SpanSplitter splitter(plan);
  Spans spans = {""};
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (splitter.Add(i, pieces[i])) spans.push_back("");
    spans.back() += pieces[i];
  }
  return spans;
}

// One token a byte.
Spans SplitText(Kind kind, const std::string& text) {
  Spans pieces;
  for (char byte : text) pieces.push_back(std::string(1, byte));
  return Split(Plan(kind), pieces);
}

TEST(SpanSplitterTest, EveryTokensCountsFromTheBeginning) {
  EXPECT_THAT(Split(Plan(Kind::kEveryTokens, 2), {"a", "b", "c", "d", "e"}),
              ElementsAre("ab", "cd", "e"));
  EXPECT_THAT(Split(Plan(Kind::kEveryTokens, 1), {"a", "b"}),
              ElementsAre("a", "b"));
}

TEST(SpanSplitterTest, EveryTokensDoesNotMindText) {
  EXPECT_THAT(Split(Plan(Kind::kEveryTokens, 3), {"A.", "\n\n", "B", "C"}),
              ElementsAre("A.\n\nB", "C"));
}

TEST(SpanSplitterTest, EveryTokensEndsWithoutALookAhead) {
  SpanSplitter splitter(Plan(Kind::kEveryTokens, 2));
  EXPECT_FALSE(splitter.EndsAt(0)) << "an empty span does not end";
  splitter.Add(0, "a");
  EXPECT_FALSE(splitter.EndsAt(1));
  splitter.Add(1, "b");
  EXPECT_TRUE(splitter.EndsAt(2));
}

TEST(SpanSplitterTest, OthersNeedTheNextToken) {
  SpanSplitter splitter(Plan(Kind::kParagraph));
  splitter.Add(0, "a\n\n");
  EXPECT_FALSE(splitter.EndsAt(1));
}

TEST(SpanSplitterTest, ASplitterBegunInTheMiddleAgrees) {
  SpanSplitter splitter(Plan(Kind::kEveryTokens, 5));
  EXPECT_FALSE(splitter.Add(10, "a")) << "its span was begun before";
  EXPECT_FALSE(splitter.Add(11, "b"));
  EXPECT_TRUE(splitter.Add(15, "c"));
}

TEST(SpanSplitterTest, ParagraphsBeginBehindTwoNewlines) {
  EXPECT_THAT(SplitText(Kind::kParagraph, "one\ntwo\n\nthree\n\n\n\nfour\n"),
              ElementsAre("one\ntwo\n\n", "three\n\n\n\n", "four\n"));
}

TEST(SpanSplitterTest, BlanksBetweenNewlinesDoNotMatter) {
  EXPECT_THAT(SplitText(Kind::kParagraph, "one\n \t\n  two"),
              ElementsAre("one\n \t\n  ", "two"));
  EXPECT_THAT(SplitText(Kind::kParagraph, "one\r\n\r\ntwo"),
              ElementsAre("one\r\n\r\n", "two"));
}

TEST(SpanSplitterTest, LeadingNewlinesBeginNoSpanOfTheirOwn) {
  EXPECT_THAT(Split(Plan(Kind::kParagraph), {"\n\n", "a"}),
              ElementsAre("\n\n", "a"));
  EXPECT_THAT(Split(Plan(Kind::kParagraph), {"\n\na", "b"}),
              ElementsAre("\n\nab"));
}

TEST(SpanSplitterTest, AParagraphIsNotCutAtSentences) {
  EXPECT_THAT(SplitText(Kind::kParagraph, "A. B! C? D"),
              ElementsAre("A. B! C? D"));
}

TEST(SpanSplitterTest, SentencesBeginBehindStopAndSpace) {
  EXPECT_THAT(SplitText(Kind::kSentence, "A b. C! D?  E"),
              ElementsAre("A b. ", "C! ", "D?  ", "E"));
}

TEST(SpanSplitterTest, NumbersAndNamesAreNoSentences) {
  EXPECT_THAT(SplitText(Kind::kSentence, "pi is 3.14 at example.org. Yes"),
              ElementsAre("pi is 3.14 at example.org. ", "Yes"));
}

TEST(SpanSplitterTest, ClosingQuotesAndBracketsBelongToTheSentence) {
  EXPECT_THAT(SplitText(Kind::kSentence, "\"Go.\" (So?) [A!] 'B.'  x"),
              ElementsAre("\"Go.\" ", "(So?) ", "[A!] ", "'B.'  ", "x"));
  EXPECT_THAT(SplitText(Kind::kSentence, "see (a) and b"),
              ElementsAre("see (a) and b"));
}

TEST(SpanSplitterTest, RepeatedStopsAreOne) {
  EXPECT_THAT(SplitText(Kind::kSentence, "What?! Well... no"),
              ElementsAre("What?! ", "Well... ", "no"));
}

TEST(SpanSplitterTest, AParagraphBeginsASentence) {
  EXPECT_THAT(SplitText(Kind::kSentence, "Title\n\nText. More"),
              ElementsAre("Title\n\n", "Text. ", "More"));
}

TEST(SpanSplitterTest, AParagraphsFirstBracketIsNotASentencesLast) {
  // The ')' stands behind a stop and a blank line: it begins a sentence.
  EXPECT_THAT(SplitText(Kind::kSentence, "A.\n\n) b. C"),
              ElementsAre("A.\n\n", ") b. ", "C"));
}

TEST(SpanSplitterTest, AStateIsCarriedFromTokenToToken) {
  EXPECT_THAT(Split(Plan(Kind::kParagraph), {"a\n", "\n", "b"}),
              ElementsAre("a\n\n", "b"));
  EXPECT_THAT(Split(Plan(Kind::kSentence), {"a", ".", "\"", " ", "b"}),
              ElementsAre("a.\" ", "b"));
}

TEST(SpanSplitterTest, ABorderInsideATokenGivesItToTheNewSpan) {
  // Its last byte lies there.
  EXPECT_THAT(Split(Plan(Kind::kParagraph), {"a", "x\n\ny", "b"}),
              ElementsAre("a", "x\n\nyb"));
  EXPECT_THAT(Split(Plan(Kind::kSentence), {"a", ". B", "c"}),
              ElementsAre("a", ". Bc"));
}

TEST(SpanSplitterTest, TwoBordersInOneTokenAreOne) {
  EXPECT_THAT(Split(Plan(Kind::kSentence), {"a", ". B. C", "d"}),
              ElementsAre("a", ". B. Cd"));
}

TEST(SpanSplitterTest, BytesOfOtherScriptsAreLetters) {
  EXPECT_THAT(
      Split(Plan(Kind::kSentence), {"un caf", "\xc3\xa9. ", "\xc3\xa9"}),
      ElementsAre("un caf\xc3\xa9. ", "\xc3\xa9"));
  // The byte 0x85 is white space in Latin-1 alone.
  EXPECT_THAT(SplitText(Kind::kSentence, "a.\x85 z"), ElementsAre("a.\x85 z"));
}

TEST(SpanSplitterTest, TokensOfNoBytesBeginNothing) {
  EXPECT_THAT(Split(Plan(Kind::kParagraph), {"a\n\n", "", "b", "", "c"}),
              ElementsAre("a\n\n", "bc"));
}

TEST(SpanSplitterTest, ALongParagraphIsCut) {
  for (Kind kind : {Kind::kParagraph, Kind::kSentence}) {
    const Spans spans = Split(Plan(kind), Spans(1100, "a"));
    ASSERT_EQ(spans.size(), 3u);
    EXPECT_EQ(spans[0].size(), 512u);
    EXPECT_EQ(spans[1].size(), 512u);
    EXPECT_EQ(spans[2].size(), 76u);
  }
}

TEST(SpanSplitterTest, TheCapCountsFromTheSpansBeginning) {
  Spans pieces(100, "a");
  pieces.push_back("\n\n");
  pieces.insert(pieces.end(), 600, "b");
  const Spans spans = Split(Plan(Kind::kParagraph), pieces);
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_EQ(spans[1].size(), 512u);
  EXPECT_EQ(spans[2].size(), 88u);
}

TEST(SpanSplitterTest, EveryTokensHasNoCap) {
  EXPECT_EQ(Split(Plan(Kind::kEveryTokens, 1000), Spans(1100, "a"))[0].size(),
            1000u);
}

TEST(SpanSplitterTest, ACopyLooksAhead) {
  SpanSplitter splitter(Plan(Kind::kSentence));
  splitter.Add(0, "a. ");
  SpanSplitter ahead = splitter;
  EXPECT_TRUE(ahead.Add(1, "b"));
  EXPECT_TRUE(splitter.Add(1, "c")) << "the original did not move";
}

}  // namespace
}  // namespace oxbow
