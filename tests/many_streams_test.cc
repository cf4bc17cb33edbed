// Two thousand streams in use, states of 64 in memory: each is itself.
#include <algorithm>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/resident_bytes.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/served_model.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

constexpr int kStreams = 2000;
constexpr int kWriters = 4;
constexpr char kOpenStreams[] = "--open-streams=64";
constexpr char kStoreMemory[] = "--store-memory=6MB";
// What the allocator keeps, and what a name and a log in memtables take.
constexpr int64_t kSlackBytes = int64_t{16} << 20;

std::string NameOf(const char* kind, int stream) {
  return absl::StrCat(kind, stream);
}

class ManyStreamsTest : public testing::Test {
 protected:
  // Streams share some texts, so that what they should be is soon computed;
  // neighbours never do.
  const std::string& TextOf(int stream) const {
    return texts_[stream % texts_.size()];
  }

  std::vector<std::string> WantedDigests() {
    MemoryStore store;
    SyncEngine::Options options;
    options.model_path = model_;
    const auto engine = *SyncEngine::Start(options, &store);
    std::vector<std::string> digests;
    for (size_t i = 0; i < texts_.size(); ++i) {
      EXPECT_TRUE(engine->Create(NameOf("s", i)).ok());
      EXPECT_TRUE(engine->AppendText(NameOf("s", i), texts_[i]).ok());
      digests.push_back(engine->DigestOf(NameOf("s", i)));
    }
    return digests;
  }

  // Calls work(stream) for each, in an order of its own, by kWriters threads.
  template <class Work>
  void ForStreams(int count, uint32_t seed, const Work& work) {
    std::vector<int> order(count);
    for (int i = 0; i < count; ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    std::vector<std::thread> writers;
    for (int writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&, writer]() {
        for (int i = writer; i < count; i += kWriters) work(order[i]);
      });
    }
    for (std::thread& writer : writers) writer.join();
  }

  // The first half of each text, then, in another order, the rest.
  void Write(const char* kind, int count) {
    ForStreams(count, 1, [&](int stream) {
      served_.Create(NameOf(kind, stream));
      const std::string& text = TextOf(stream);
      served_.Append(NameOf(kind, stream), text.substr(0, text.size() / 2));
    });
    ForStreams(count, 2, [&](int stream) {
      const std::string& text = TextOf(stream);
      served_.Append(NameOf(kind, stream), text.substr(text.size() / 2));
    });
  }

  const std::string model_ = WriteTestModel(/*embedder=*/false);
  std::vector<std::string> texts_ = [] {
    std::mt19937_64 random(1);
    std::vector<std::string> texts;
    for (int i = 0; i < 97; ++i) {
      texts.push_back(RandomText(100 + random() % 200, &random));
    }
    return texts;
  }();
  ServedModel served_{
      {absl::StrCat("--model=", model_), kOpenStreams, kStoreMemory}};
};

TEST_F(ManyStreamsTest, EachIsItself) {
  Write("few", kStreams / 10);
  const int64_t of_few = ResidentBytes(served_.pid());
  Write("many", kStreams);
  const int64_t of_all = ResidentBytes(served_.pid());
  std::cout << kStreams / 10 << " streams: " << of_few / 1024 << " KiB; "
            << kStreams << ": " << of_all / 1024 << " KiB\n";
  EXPECT_LT(of_all, of_few + kSlackBytes);

  const std::vector<std::string> wanted = WantedDigests();
  ForStreams(kStreams, 3, [&](int stream) {
    const v1::Stream got = served_.Get(NameOf("many", stream));
    EXPECT_EQ(absl::BytesToHexString(got.state_digest()),
              wanted[stream % wanted.size()])
        << stream;
  });
}

}  // namespace
}  // namespace oxbow
