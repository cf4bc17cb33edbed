// Streams forked from streams, deleted in any order: whoever lives reads its
// whole text, and what nobody can read is gone.
#include <atomic>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/soak.h"
#include "gtest/gtest.h"
#include "store/stream_store.h"
#include "store/testing/log_author.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"

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
  ForkTreeTest() : store_(GetParam()) {}

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

  // A stream of its own, or a fork of `parent` at any byte.
  Node Create(const Node* parent) {
    Node node;
    node.stream.uid = *store_->NewUid();
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
    StoreBatch batch;
    batch.put_streams.push_back(node.stream);
    EXPECT_OK(store_->Write(batch, /*sync=*/false));
    return node;
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
      const Node* parent =
          nodes.empty() ? nullptr : &nodes[Below(static_cast<int>(i))];
      if (parent != nullptr && !parent->live) parent = nullptr;
      Node node = Create(parent);
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

INSTANTIATE_TEST_SUITE_P(Stores, ForkTreeTest,
                         testing::Values(StoreKind::kMemory, StoreKind::kRocks),
                         [](const auto& info) { return NameOf(info.param); });

}  // namespace
}  // namespace oxbow
