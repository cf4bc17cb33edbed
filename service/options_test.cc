#include "service/options.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::HasSubstr;

CommandLine Parse(std::vector<const char*> flags) {
  flags.insert(flags.begin(), "oxbowd");
  return ParseCommandLine(flags.size(), flags.data());
}

CommandLine ParseWith(std::vector<const char*> flags) {
  flags.insert(flags.begin(), {"--model=m.pth", "--store=dir"});
  return Parse(flags);
}

TEST(OptionsTest, ReadsEveryFlagOfTheIssue) {
  const CommandLine line =
      ParseWith({"--listen=127.0.0.1:0", "--tokenizer=world:v.txt",
                 "--embedder=e.pth", "--embedder-tokenizer=bytes",
                 "--threads=3", "--pin-threads", "--bulk-slowdown=4.5"});
  ASSERT_FALSE(line.exit_code.has_value()) << line.text;
  const Options& options = line.options;
  EXPECT_EQ(options.model_path, "m.pth");
  EXPECT_EQ(options.store_path, "dir");
  EXPECT_EQ(options.tokenizer, "world:v.txt");
  EXPECT_EQ(options.embedder_path, "e.pth");
  EXPECT_EQ(options.embedder_tokenizer, "bytes");
  EXPECT_EQ(options.threads, 3);
  EXPECT_TRUE(options.pin_threads);
  EXPECT_EQ(options.bulk_slowdown_max, 4.5);
  EXPECT_EQ(options.listen.host, "127.0.0.1");
  EXPECT_EQ(options.listen.port, 0);
}

TEST(OptionsTest, WeightsAreAsStoredOrQuantized) {
  EXPECT_EQ(ParseWith({}).options.weights, WeightPrecision::kAsStored);
  EXPECT_EQ(ParseWith({"--weights=stored"}).options.weights,
            WeightPrecision::kAsStored);
  EXPECT_EQ(ParseWith({"--weights=int8"}).options.weights,
            WeightPrecision::kInt8);
  EXPECT_EQ(ParseWith({"--weights=int4"}).options.weights,
            WeightPrecision::kInt4);
}

TEST(OptionsTest, NumericsAreExactUnlessAskedToBeFast) {
  EXPECT_EQ(ParseWith({}).options.numerics, Numerics::kExact);
  EXPECT_EQ(ParseWith({"--numerics=exact"}).options.numerics, Numerics::kExact);
  EXPECT_EQ(ParseWith({"--numerics=fast"}).options.numerics, Numerics::kFast);
  EXPECT_FALSE(ParseWith({"--device=cpu"}).options.gpu.has_value());
  EXPECT_EQ(ParseWith({"--device=cuda:1"}).options.gpu, 1);
}

TEST(OptionsTest, LorasAreMergedInTheOrderGiven) {
  const CommandLine line = ParseWith({"--lora=a.pth:2", "--lora", "b:c.pth"});
  ASSERT_FALSE(line.exit_code.has_value()) << line.text;
  ASSERT_EQ(line.options.adapters.size(), 2u);
  EXPECT_EQ(line.options.adapters[0].path, "a.pth");
  EXPECT_EQ(line.options.adapters[0].scale, 2.0f);
  EXPECT_EQ(line.options.adapters[1].path, "b:c.pth");
  EXPECT_EQ(line.options.adapters[1].scale, 1.0f);
  const CommandLine bad = ParseWith({"--lora=a.pth:0"});
  EXPECT_EQ(bad.exit_code, kExitUsage);
  EXPECT_THAT(bad.text, HasSubstr("the scale must be a finite number"));
}

TEST(OptionsTest, HelpExitsWithZeroAndTellsTheExitCodes) {
  const CommandLine line = Parse({"--help"});
  EXPECT_EQ(line.exit_code, 0);
  for (const char* word : {"--model", "--store", "--behind-proxy", "64", "66",
                           "75", "78", "SIGTERM"}) {
    EXPECT_THAT(line.text, HasSubstr(word));
  }
}

TEST(OptionsTest, BadFlagsAreOneSentenceAndUsage) {
  for (const std::vector<const char*>& flags :
       std::vector<std::vector<const char*>>{{"--threads=-1"},
                                             {"--bulk-slowdown=1"},
                                             {"--threads=many"},
                                             {"--threads=99999999999999999999"},
                                             {"--open-streams=0"},
                                             {"--no-such-flag"},
                                             {"--weights=int3"},
                                             {"--weights=2"},
                                             {"--numerics=faster"},
                                             {"--device=gpu"},
                                             {"--device=cuda:"},
                                             {"--device=cuda:-1"},
                                             {"--listen=nowhere"},
                                             {"--listen=127.0.0.1:65536"},
                                             {"--listen=127.0.0.1:-1"},
                                             {"--listen=127.0.0.1:x"},
                                             {"--listen=::1:80"},
                                             {"--listen=[127.0.0.1]:80"},
                                             {"--listen=example.org:80"},
                                             {"--drain-timeout=nan"},
                                             {"stray"}}) {
    const CommandLine line = ParseWith(flags);
    EXPECT_EQ(line.exit_code, kExitUsage) << flags[0];
    EXPECT_THAT(line.text, HasSubstr("oxbowd: ")) << flags[0];
    EXPECT_EQ(std::count(line.text.begin(), line.text.end(), '\n'), 1)
        << line.text;
  }
  EXPECT_EQ(Parse({"--store=dir"}).exit_code, kExitUsage);
  EXPECT_EQ(Parse({"--model=m.pth"}).exit_code, kExitUsage);
}

TEST(OptionsTest, TheOperatorsListenerIsOnLoopbackWhateverStandsInFront) {
  const Options options =
      ParseWith({"--admin-listen=127.0.0.1:7008", "--backup-dir=b"}).options;
  ASSERT_TRUE(options.admin_listen.has_value());
  EXPECT_EQ(options.admin_listen->port, 7008);
  EXPECT_EQ(options.backup_path, "b");
  EXPECT_FALSE(ParseWith({}).options.admin_listen.has_value());
  for (const std::vector<const char*>& bad :
       std::vector<std::vector<const char*>>{
           {"--admin-listen=0.0.0.0:7008", "--behind-proxy"},
           {"--admin-listen=10.1.2.3:7008"},
           {"--admin-listen=nowhere"},
           {"--backup-dir=b"}}) {
    const CommandLine line = ParseWith(bad);
    EXPECT_EQ(line.exit_code, 64) << bad[0];
    EXPECT_THAT(line.text, HasSubstr("--admin-listen")) << bad[0];
  }
}

TEST(OptionsTest, RefusesToListenBeyondLoopbackWithoutAProxy) {
  for (const char* flag : {"--listen=0.0.0.0:7007", "--listen=[::]:7007",
                           "--listen=10.1.2.3:7007"}) {
    const CommandLine refused = ParseWith({flag});
    EXPECT_EQ(refused.exit_code, kExitUsage) << flag;
    EXPECT_THAT(refused.text, HasSubstr("--behind-proxy"));
    const CommandLine allowed = ParseWith({flag, "--behind-proxy"});
    EXPECT_FALSE(allowed.exit_code.has_value()) << allowed.text;
    EXPECT_FALSE(allowed.options.listen.is_loopback);
  }
  for (const char* flag :
       {"--listen=127.9.9.9:1", "--listen=[::1]:1", "--listen=localhost:1"}) {
    const CommandLine line = ParseWith({flag});
    EXPECT_FALSE(line.exit_code.has_value()) << line.text;
    EXPECT_TRUE(line.options.listen.is_loopback);
  }
}

}  // namespace
}  // namespace oxbow
