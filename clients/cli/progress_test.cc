#include "clients/cli/progress.h"

#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow::cli {
namespace {

v1::AppendAck Ack(int64_t durable, int64_t applied, int64_t tokens) {
  v1::AppendAck ack;
  ack.mutable_durable()->set_byte_offset(durable);
  ack.mutable_applied()->set_byte_offset(applied);
  ack.set_token_offset(tokens);
  return ack;
}

TEST(ProgressTest, SaysWhatIsDoneAndHowLongTheRestTakes) {
  std::ostringstream out;
  Progress progress(&out, false, 4 << 20);
  absl::Time now = absl::UnixEpoch();
  progress.Begin(Ack(0, 0, 0), now);
  now += absl::Seconds(10);
  progress.Show(Ack(2 << 20, 1 << 20, 5000), now);
  EXPECT_EQ(out.str(),
            "[######..................]  25%  1.00/4.00 MiB  5000 tokens  "
            "500 tokens/s  ETA 0:30  durable 2.00 MiB\n");
}

TEST(ProgressTest, WhatWasThereBeforeIsNoSpeed) {
  std::ostringstream out;
  Progress progress(&out, false, absl::nullopt);
  absl::Time now = absl::UnixEpoch();
  progress.Begin(Ack(9 << 20, 9 << 20, 100000), now);
  progress.Show(Ack(10 << 20, 10 << 20, 100200), now + absl::Seconds(2));
  EXPECT_THAT(out.str(), testing::HasSubstr("100 tokens/s"));
  EXPECT_THAT(out.str(), testing::Not(testing::HasSubstr("%")));
}

TEST(ProgressTest, ALineEveryThreeSecondsWithoutATerminal) {
  std::ostringstream out;
  Progress progress(&out, false, 100);
  const absl::Time start = absl::UnixEpoch();
  for (int ms = 0; ms < 10000; ms += 10) {
    progress.Show(Ack(ms, ms, ms), start + absl::Milliseconds(ms));
  }
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
}

TEST(ProgressTest, RedrawsOneLineOnATerminalAndClearsIt) {
  std::ostringstream out;
  Progress progress(&out, true, 100);
  const absl::Time start = absl::UnixEpoch();
  progress.Begin(Ack(0, 0, 0), start);
  progress.Show(Ack(50, 50, 123456789), start + absl::Seconds(1));
  progress.Show(Ack(60, 60, 1), start + absl::Seconds(2));
  progress.Finish(start + absl::Seconds(3));
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\r'), 3);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(text.back(), '\n');
}

TEST(ProgressTest, SilentWithoutAStream) {
  Progress progress(nullptr, true, 100);
  progress.Show(Ack(1, 1, 1), absl::UnixEpoch());
  progress.Say("x");
  progress.Finish(absl::UnixEpoch());
}

}  // namespace
}  // namespace oxbow::cli
