// The program itself: what it says and with which code it ends.
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/server_process.h"
#include "tests/testing/tiny_model.h"

namespace oxbow {
namespace {

using testing::HasSubstr;

struct Ending {
  int code = 0;
  std::string said;  // on both outputs
};

Ending RunServer(const std::string& flags) {
  Ending ending;
  FILE* pipe =
      popen(absl::StrCat("service/oxbowd ", flags, " 2>&1").c_str(), "r");
  OXBOW_CHECK(pipe != nullptr);
  char buffer[1024];
  for (size_t n; (n = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) {
    ending.said.append(buffer, n);
  }
  ending.code = WEXITSTATUS(pclose(pipe));
  return ending;
}

class OxbowdTest : public testing::Test {
 protected:
  OxbowdTest() : model_(Path("tiny.safetensors")) {
    OXBOW_CHECK_OK(WriteTinyModel(TinyModelOptions(), model_));
  }
  static std::string Path(const std::string& name) {
    return absl::StrCat(testing::TempDir(), "/oxbowd_test_", getpid(), "_",
                        name);
  }
  // Flags of a server that would start.
  std::string Good(const std::string& store) const {
    return absl::StrCat("--model=", model_,
                        " --tokenizer=bytes --store=", Path(store),
                        " --listen=127.0.0.1:0 ");
  }
  absl::StatusOr<std::unique_ptr<ServerProcess>> Start(
      const std::string& store) const {
    return ServerProcess::Start(
        {"--model=" + model_, "--tokenizer=bytes", "--store=" + Path(store)});
  }
  // It ends with that code, saying one sentence with these words.
  static void ExpectEnd(const std::string& flags, int code,
                        const std::string& words) {
    const Ending ending = RunServer(flags);
    EXPECT_EQ(ending.code, code) << flags << "\n" << ending.said;
    EXPECT_THAT(ending.said, HasSubstr("oxbowd: "));
    EXPECT_THAT(ending.said, HasSubstr(words));
    EXPECT_EQ(std::count(ending.said.begin(), ending.said.end(), '\n'), 1)
        << ending.said;
  }

  const std::string model_;
};

TEST_F(OxbowdTest, ABadModelOrVocabularyIsOneSentenceAnd66) {
  ExpectEnd("--model=/nosuch.pth --store=" + Path("a"), 66, "/nosuch.pth");
  const std::string junk = Path("junk.pth");
  std::ofstream(junk) << "junk";
  ExpectEnd("--model=" + junk + " --store=" + Path("a"), 66, junk);
  ExpectEnd("--model=" + model_ + " --store=" + Path("a"), 66,
            "give --tokenizer=world:PATH");
  ExpectEnd(
      "--model=" + model_ + " --tokenizer=world:/nosuch --store=" + Path("a"),
      66, "/nosuch");
}

TEST_F(OxbowdTest, AGpuThatCannotBeUsedIsOneSentenceAnd66) {
  ExpectEnd(Good("a") + "--device=cuda:0", 66, "--device=cpu");
}

TEST_F(OxbowdTest, ARerankerThatDoesNotFitIsOneSentenceAnd66) {
  TinyModelOptions options;
  options.reranker = true;
  const std::string reranker = Path("reranker.pth");
  OXBOW_CHECK_OK(WriteTinyModel(options, reranker));
  ExpectEnd(Good("a") + "--reranker=" + reranker, 66,
            "no trained embedding head: a reranker goes with an embedder");
  options.width = 128;
  options.reranker = false;
  options.embedding_heads = {"retr"};
  const std::string embedder = Path("embedder.pth");
  OXBOW_CHECK_OK(WriteTinyModel(options, embedder));
  ExpectEnd(Good("a") + "--embedder-tokenizer=bytes --embedder=" + embedder +
                " --reranker=" + reranker,
            66,
            "the reranker has 64 channels in heads of 16, the embedder 128");
  ExpectEnd(Good("a") + "--embedder-tokenizer=bytes --embedder=" + embedder +
                " --reranker=" + embedder,
            66, "no reranker");
  // A reranker reads no text.
  ExpectEnd("--model=" + reranker + " --store=" + Path("a"), 66,
            reranker + ": a reranker, which reads no text");
}

TEST_F(OxbowdTest, BadFlagsAre64) {
  ExpectEnd("--model=x", 64, "--store");
  ExpectEnd(Good("a") + "--threads=-2", 64, "--threads");
  ExpectEnd("--model=x --store=y --listen=0.0.0.0:0", 64, "--behind-proxy");
}

TEST_F(OxbowdTest, AStoreInUseIs75AndAForeignOne78) {
  auto server = Start("b");
  ASSERT_TRUE(server.ok()) << server.status();
  ExpectEnd(Good("b"), 75, "open in another oxbowd");
  const std::string port =
      (*server)->address().substr((*server)->address().rfind(':') + 1);
  ExpectEnd("--model=" + model_ + " --tokenizer=bytes --store=" + Path("c") +
                " --listen=127.0.0.1:" + port,
            78, "in use");
  EXPECT_EQ((*server)->Terminate(), 0);
  TinyModelOptions other;
  other.seed = 2;
  const std::string other_model = Path("other.safetensors");
  OXBOW_CHECK_OK(WriteTinyModel(other, other_model));
  ExpectEnd("--model=" + other_model + " --tokenizer=bytes --store=" +
                Path("b") + " --listen=127.0.0.1:0",
            78, "made by another");
}

TEST_F(OxbowdTest, TakesAllTheFilesItMayHave) {
  rlimit files;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  const rlimit before = files;
  files.rlim_cur = 256;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
  auto server = Start("e");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(server.ok()) << server.status();
  ASSERT_EQ(prlimit((*server)->pid(), RLIMIT_NOFILE, nullptr, &files), 0);
  EXPECT_EQ(files.rlim_cur, files.rlim_max);
}

TEST_F(OxbowdTest, SaysWhereItListensAndDrainsWithZero) {
  for (int i = 0; i < 3; ++i) {
    auto server = Start("d");
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_THAT((*server)->address(), testing::StartsWith("127.0.0.1:"));
    EXPECT_EQ((*server)->Terminate(), 0);
  }
}

}  // namespace
}  // namespace oxbow
