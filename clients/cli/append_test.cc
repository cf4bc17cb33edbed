// append against a puppet engine: files, pipes, ids, and what happens when
// connections break.
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

using AppendTest = CliTest;

TEST_F(AppendTest, MakesTheStreamAndEndsWithItsJson) {
  const std::string text = SomeText(300000);
  const Result result =
      RunJson({"append", "s", File(text), "--embed-every=64"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  ASSERT_EQ(result.lines().size(), 1u);
  const Json json = result.lines()[0];
  EXPECT_THAT(KeysOf(json),
              ElementsAre("stream", "byte_offset", "token_offset", "durable",
                          "applied", "checkpoint", "state_digest"));
  EXPECT_EQ(json["stream"], "s");
  EXPECT_EQ(json["durable"], 300000);
  EXPECT_EQ(json["state_digest"], ToHex(Sha256(text)));
  EXPECT_EQ(engine().text("s"), text);
}

TEST_F(AppendTest, AddsAtTheHead) {
  EXPECT_EQ(Run({"append", "s", File("one ")}).code, 0);
  EXPECT_EQ(Run({"append", "s", File("two"), "--chunk-bytes=1"}).code, 0);
  EXPECT_EQ(engine().text("s"), "one two");
  EXPECT_EQ(Run({"append", "s", File("")}).code, 0);
  EXPECT_EQ(engine().text("s"), "one two");
}

TEST_F(AppendTest, ReadsAPipeWithAnyBytes) {
  std::string bytes = SomeText(200000);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    bytes[i] = static_cast<char>(i * 7);
  }
  EXPECT_EQ(Run({"append", "s", "-"}, Pipe(bytes)).code, 0);
  EXPECT_EQ(engine().text("s"), bytes);
}

TEST_F(AppendTest, ShowsProgressOnlyWithoutJson) {
  const Result result = Run({"append", "s", File(SomeText(1000))});
  EXPECT_THAT(result.err, HasSubstr("100%"));
  EXPECT_THAT(result.err, HasSubstr("tokens/s"));
  EXPECT_THAT(result.err, HasSubstr("durable"));
}

TEST_F(AppendTest, TokensIsExactAlsoOverABreak) {
  std::string ids, text;
  for (int i = 0; i < 20000; ++i) {
    const int id = i % 7 == 0 ? 256 : i % 256;  // 256 has no bytes
    absl::StrAppend(&ids, id, i % 10 == 0 ? "\n" : " ");
    if (id != 256) text.push_back(static_cast<char>(id));
  }
  // The puppet keeps a byte for every id, so its text tells them all.
  std::string kept;
  for (int i = 0; i < 20000; ++i) {
    kept.push_back(static_cast<char>(i % 7 == 0 ? 256 : i % 256));
  }
  const Result result =
      Run({"append", "s", File(ids), "--tokens", "--retry-for=0"});
  // Its positions are then not those of the client's, and the client notices
  // rather than go on.
  EXPECT_NE(result.code, 0);
  std::string plain;
  for (int i = 0; i < 20000; ++i) absl::StrAppend(&plain, i % 256, " ");
  engine().append_script()->break_after_bytes = 9000;
  EXPECT_EQ(Run({"append", "t", File(plain), "--tokens"}).code, 0);
  EXPECT_EQ(engine().text("t").size(), 20000u);
  EXPECT_EQ(engine().text("t")[300], static_cast<char>(300 % 256));
}

TEST_F(AppendTest, GoesOnAfterTheServerWentAway) {
  const std::string text = SomeText(3000000);
  engine().append_script()->break_after_bytes = 1000000;
  const Result result = Run({"append", "s", File(text)});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("waiting for the server: UNAVAILABLE"));
  EXPECT_TRUE(engine().text("s") == text);
}

TEST_F(AppendTest, FromAPipeGoesOnAfterTheServerWentAway) {
  const std::string text = SomeText(3000000);
  engine().append_script()->break_after_bytes = 1000000;
  EXPECT_EQ(Run({"append", "s", "-"}, Pipe(text)).code, 0);
  EXPECT_TRUE(engine().text("s") == text);
}

TEST_F(AppendTest, SurvivesRestartsOfTheServer) {
  const std::string text = SomeText(24 << 20);
  const std::string file = File(text);
  Result result;
  std::thread client([&] { result = Run({"append", "s", file}); });
  for (int i = 1; i <= 3; ++i) {
    while (engine().text("s").size() < i * (5u << 20)) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    server_.Restart();
  }
  client.join();
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(engine().text("s") == text);
}

TEST_F(AppendTest, FailsAtOnceWhenToldSo) {
  engine().append_script()->break_after_bytes = 100000;
  const Result result =
      Run({"append", "s", File(SomeText(3000000)), "--retry-for=0"});
  EXPECT_EQ(result.code, 69);
  EXPECT_THAT(result.err, HasSubstr("UNAVAILABLE"));
}

TEST_F(AppendTest, ResumesAfterChecking) {
  const std::string text = SomeText(200000);
  engine().set_text("s", text.substr(0, 77777));
  EXPECT_EQ(Run({"append", "s", File(text), "--resume"}).code, 0);
  EXPECT_TRUE(engine().text("s") == text);
  // All is there: nothing to do.
  EXPECT_EQ(Run({"append", "s", File(text), "--resume"}).code, 0);
  EXPECT_EQ(Run({"append", "s", "-", "--resume"}, Pipe(text + "!")).code, 0);
  EXPECT_TRUE(engine().text("s") == text + "!");
}

TEST_F(AppendTest, ResumeRefusesAnotherDocument) {
  const std::string text = SomeText(50000);
  std::string other = text;
  other[41234] ^= 1;
  engine().set_text("s", other.substr(0, 45000));
  const Result differs = Run({"append", "s", File(text), "--resume"});
  EXPECT_EQ(differs.code, 65);
  EXPECT_THAT(differs.err, HasSubstr("differ at byte 41234"));
  const Result shorter =
      Run({"append", "s", File(other.substr(0, 44999)), "--resume"});
  EXPECT_EQ(shorter.code, 65);
  EXPECT_THAT(shorter.err, HasSubstr("ends after 44999 bytes"));
  EXPECT_TRUE(engine().text("s") == other.substr(0, 45000));
}

TEST_F(AppendTest, ResumeOfTokensFindsItsPlace) {
  std::string ids;
  for (int i = 0; i < 5000; ++i) absl::StrAppend(&ids, i % 256, " ");
  std::string text;
  for (int i = 0; i < 5000; ++i) text.push_back(static_cast<char>(i % 256));
  engine().set_text("s", text.substr(0, 1234));
  EXPECT_EQ(Run({"append", "s", File(ids), "--tokens", "--resume"}).code, 0);
  EXPECT_TRUE(engine().text("s") == text);
}

// After a break the stream is longer than anything this client sent, or
// shorter than what it was told is durable: both are told, not papered over.
TEST_F(AppendTest, NoticesForeignWritersAndLostBytes) {
  for (const bool longer : {true, false}) {
    engine().set_text("s", "");
    engine().append_script()->break_after_bytes = 300000;
    engine().append_script()->text_after_break =
        longer ? SomeText(30 << 20) : "x";
    const Result result = Run({"append", "s", File(SomeText(20 << 20))});
    EXPECT_EQ(result.code, longer ? 65 : 1) << result.err;
    EXPECT_THAT(result.err,
                HasSubstr(longer ? "somebody else" : "DURABLE_BYTES_LOST"));
  }
}

}  // namespace
}  // namespace oxbow::cli
