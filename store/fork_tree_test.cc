// Streams forked from streams, deleted in any order: whoever lives reads its
// whole text, and what nobody can read is gone.
#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/soak.h"
#include "gtest/gtest.h"
#include "store/stream_store.h"
#include "store/testing/faulty_file_system.h"
#include "store/testing/log_author.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"
#include "store/verify_store.h"

namespace oxbow {
namespace {

constexpr int kStreams = 12;  // of one tree

struct Node {
  StreamRecord stream;
  LogAuthor author;
  std::string text;  // all of it, shared beginnings included
  bool live = true;
};

class ForkTreeTest : public testing::TestWithParam<StoreKind> {
 protected:
  explicit ForkTreeTest(std::shared_ptr<rocksdb::FileSystem> disk = nullptr)
      : store_(GetParam(), std::move(disk)) {}

  int Below(int bound) {
    return std::uniform_int_distribution<int>(0, bound - 1)(random_);
  }

  void Append(Node& node) {
    const std::string text = std::to_string(random_());
    StoreBatch batch;
    batch.appends.push_back({node.stream.uid, node.author.Text(text)});
    ASSERT_OK(store_->Write(batch, /*sync=*/false));
    node.text += text;
  }

  // A stream of its own, or a fork of `parent` at any byte, that is not stored
  // yet.
  Node Draw(const Node* parent, StreamUid uid) {
    Node node;
    node.stream.uid = uid;
    node.stream.name = std::to_string(node.stream.uid);
    if (parent != nullptr) {
      const uint64_t at = Below(static_cast<int>(parent->text.size()) + 1);
      node.text = parent->text.substr(0, at);
      for (const Segment& part : parent->stream.ancestry) {
        if (part.end.byte_offset >= at) break;
        node.stream.ancestry.push_back(part);
      }
      const std::vector<Segment>& of_parent = parent->stream.ancestry;
      const StreamUid last = node.stream.ancestry.size() < of_parent.size()
                                 ? of_parent[node.stream.ancestry.size()].uid
                                 : parent->stream.uid;
      node.stream.ancestry.push_back({last, {at, 0}, false});
      node.author = LogAuthor({at, 0});
    }
    return node;
  }
  absl::Status Put(const Node& node, bool sync) {
    StoreBatch batch;
    batch.put_streams.push_back(node.stream);
    return store_->Write(batch, sync);
  }
  Node Create(const Node* parent) {
    Node node = Draw(parent, *store_->NewUid());
    EXPECT_OK(Put(node, /*sync=*/false));
    return node;
  }
  // One of those, at random; null if that one is gone, or if there is none.
  const Node* AnyParent(const std::vector<Node>& nodes) {
    if (nodes.empty()) return nullptr;
    const Node& node = nodes[Below(static_cast<int>(nodes.size()))];
    return node.live ? &node : nullptr;
  }

  std::string ReadPart(StreamUid uid, uint64_t begin, uint64_t end) {
    std::string text;
    const auto page = store_->ReadLog(uid, begin, absl::nullopt, 1 << 20);
    EXPECT_OK(page);
    for (const LogRecord& record : *page) {
      for (size_t i = 0; i < record.text.size(); ++i) {
        const uint64_t at = record.begin.byte_offset + i;
        if (at >= begin && at < end) text.push_back(record.text[i]);
      }
    }
    return text;
  }

  std::string ReadAll(const StreamRecord& stream) {
    std::string text;
    for (const Segment& part : stream.ancestry) {
      text += ReadPart(part.uid, text.size(), part.end.byte_offset);
    }
    return text + ReadPart(stream.uid, text.size(), ~0ull);
  }

  void Check(const std::vector<Node>& nodes) {
    std::set<StreamUid> reachable;
    for (const Node& node : nodes) {
      const auto found = store_->FindStream("", node.stream.name);
      ASSERT_EQ(found.ok(), node.live);
      if (!node.live) continue;
      EXPECT_EQ(ReadAll(*found), node.text);
      reachable.insert(node.stream.uid);
      for (const Segment& part : node.stream.ancestry) {
        reachable.insert(part.uid);
      }
    }
    for (const Node& node : nodes) {
      if (reachable.count(node.stream.uid) > 0) continue;
      EXPECT_EQ(*store_->LastRecord(node.stream.uid), absl::nullopt);
    }
  }

  StoreUnderTest store_;
  std::mt19937 random_{static_cast<uint32_t>(SoakSeed(7))};
};

TEST_P(ForkTreeTest, NothingReachableIsLostNothingElseStays) {
  for (int tree = 0; tree < Soaked(100); ++tree) {
    std::vector<Node> nodes;
    for (int i = 0; i < kStreams; ++i) {
      Node node = Create(AnyParent(nodes));
      for (int n = Below(4); n > 0; --n) Append(node);
      nodes.push_back(node);
      Append(nodes[0]);  // An ancestor goes on, which no fork sees.
      if (Below(3) == 0 && i > 0) {
        Node& victim = nodes[1 + Below(i)];
        if (victim.live) {
          ASSERT_OK(store_->DeleteStream(victim.stream.uid));
        }
        victim.live = false;
      }
      if (Below(4) == 0) {
        ASSERT_OK(store_->Sweep(store_.clock().Now()));
      }
    }
    ASSERT_OK(store_->Sweep(store_.clock().Now()));
    if (tree % 20 == 0) store_.Reopen();
    Check(nodes);
    for (Node& node : nodes) {
      if (node.live) {
        ASSERT_OK(store_->DeleteStream(node.stream.uid));
      }
      node.live = false;
    }
    ASSERT_OK(store_->Sweep(store_.clock().Now()));
    Check(nodes);
  }
}

// A fork and the sweep of its parent meet: either the fork is refused, or the
// parent's text stays for as long as it lives.
TEST_P(ForkTreeTest, SweepsBesideForks) {
  std::atomic<bool> done{false};
  std::thread sweeper([&] {
    while (!done) EXPECT_OK(store_->Sweep(store_.clock().Now()));
  });
  std::vector<Node> forks;
  for (int i = 0; i < 300; ++i) {
    Node parent = Create(nullptr);
    Append(parent);
    EXPECT_OK(store_->DeleteStream(parent.stream.uid));
    Node child;
    child.stream.uid = *store_->NewUid();
    child.stream.name = std::to_string(child.stream.uid);
    child.stream.ancestry = {
        {parent.stream.uid, {parent.text.size(), 0}, false}};
    StoreBatch batch;
    batch.put_streams.push_back(child.stream);
    const absl::Status status = store_->Write(batch, /*sync=*/false);
    if (!status.ok()) {
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
      continue;
    }
    child.text = parent.text;
    forks.push_back(child);
  }
  done = true;
  sweeper.join();
  for (const Node& fork : forks) EXPECT_EQ(ReadAll(fork.stream), fork.text);
  RecordProperty("forked", static_cast<int>(forks.size()));
}

// The power may go at any write of any step, and what no sync made sure goes
// with it.
class ForkCrashTest : public ForkTreeTest {
 protected:
  ForkCrashTest() : ForkCrashTest(std::make_shared<FaultyFileSystem>()) {}
  ~ForkCrashTest() override { store_.Close(); }

  void Arm() { disk_->CutPower(Below(400)); }

  // Whether a step was done; if not, the store was opened anew since.
  bool Done(const absl::Status& status) {
    if (!status.ok()) Crash();
    return status.ok();
  }
  void Crash() {
    store_.Close();
    disk_->LoseUnsynced();
    store_.Reopen();
    ++crashes_;
    Arm();
  }

  StreamUid NewUid() {
    while (true) {
      const absl::StatusOr<StreamUid> uid = store_->NewUid();
      if (Done(uid.status())) return *uid;
    }
  }
  bool IsThere(const Node& node) {
    return store_->FindStream("", node.stream.name).ok();
  }

  void Grow(std::vector<Node>* nodes) {
    Node node = Draw(AnyParent(*nodes), NewUid());
    if (Done(Put(node, /*sync=*/true)) || IsThere(node)) nodes->push_back(node);
  }
  // A record and the state behind it.
  void Write(Node* node) {
    LogAuthor author = node->author;
    const std::string text = std::to_string(random_());
    StoreBatch batch;
    batch.appends.push_back({node->stream.uid, author.Text(text)});
    batch.put_checkpoints.resize(1);
    batch.put_checkpoints[0].header.uid = node->stream.uid;
    batch.put_checkpoints[0].header.reader = "generator";
    batch.put_checkpoints[0].header.token_offset = author.next_sequence();
    batch.put_checkpoints[0].state = std::string(5000, text[0]);
    const uint64_t sequence = batch.appends[0].record.sequence;
    if (!Done(store_->Write(batch, /*sync=*/true))) {
      const auto last = *store_->LastRecord(node->stream.uid);
      if (!last || last->sequence != sequence) return;
    }
    node->author = author;
    node->text += text;
  }
  void Delete(Node* node) {
    if (!node->live) return;
    node->live =
        !Done(store_->DeleteStream(node->stream.uid)) && IsThere(*node);
  }
  void Sweep() {
    while (!Done(store_->Sweep(store_.clock().Now()).status())) {
    }
  }

  // Nothing of any stream is left, and nothing that no sweep would find.
  void CheckEmpty() {
    Crash();
    VerifyOptions options;
    options.store = SmallRocksOptions(store_.folder(), &store_.clock());
    const auto report = VerifyStore(options);
    ASSERT_OK(report);
    EXPECT_THAT(report->findings, testing::IsEmpty());
    EXPECT_EQ(report->streams, 0u);
    EXPECT_EQ(report->unowned, 0u);
    EXPECT_EQ(report->log_records, 0u);
    EXPECT_EQ(report->checkpoints, 0u);
  }

  int crashes_ = 0;

 private:
  explicit ForkCrashTest(std::shared_ptr<FaultyFileSystem> disk)
      : ForkTreeTest(disk), disk_(std::move(disk)) {}

  const std::shared_ptr<FaultyFileSystem> disk_;
};

TEST_P(ForkCrashTest, NothingReachableIsLostNothingElseStays) {
  // RocksDB waits for a second after a compaction that failed.
  const int trees = std::max(10, Soaked(40) - 40);
  Arm();
  for (int tree = 0; tree < trees; ++tree) {
    std::vector<Node> nodes;
    for (int i = 0; i < kStreams; ++i) {
      Grow(&nodes);
      if (nodes.empty()) continue;
      for (int n = Below(4); n > 0; --n) Write(&nodes.back());
      if (nodes[0].live) Write(&nodes[0]);
      if (Below(3) == 0) Delete(&nodes[Below(static_cast<int>(nodes.size()))]);
      if (Below(4) == 0) Sweep();
    }
    Sweep();
    Check(nodes);
    for (Node& node : nodes) {
      while (node.live) Delete(&node);
    }
    Sweep();
    Check(nodes);
    if (tree % 10 == 9) CheckEmpty();
  }
  EXPECT_GT(crashes_, trees / 4);
  std::cout << trees << " trees, " << crashes_ << " crashes\n";
}

INSTANTIATE_TEST_SUITE_P(Stores, ForkCrashTest,
                         testing::Values(StoreKind::kRocks),
                         [](const auto& info) { return NameOf(info.param); });
INSTANTIATE_TEST_SUITE_P(Stores, ForkTreeTest,
                         testing::Values(StoreKind::kMemory, StoreKind::kRocks),
                         [](const auto& info) { return NameOf(info.param); });

}  // namespace
}  // namespace oxbow
