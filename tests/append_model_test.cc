// 20,000 random append operations against a reference model of a log.
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/soak.h"
#include "engine/error_reason.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"
#include "tests/testing/random_text.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

// What a log should hold, as simply as it can be said: one element a byte of
// text or an id.
class ReferenceLog {
 public:
  struct Unit {
    bool is_id;
    int value;  // the byte, or the id
    Position begin;
    friend bool operator==(const Unit& a, const Unit& b) {
      return a.is_id == b.is_id && a.value == b.value;
    }
  };

  Position end() const { return end_; }
  const std::vector<Unit>& units() const { return units_; }

  // What should become of a chunk: "" if it is taken, else the reason.
  std::string Add(const AppendChunk& chunk, const Tokenizer& tokenizer) {
    const std::vector<Unit> added = UnitsOf(chunk, tokenizer);
    const Position begin = chunk.position.value_or(end_);
    if (end_ < begin) return "OFFSET_GAP";
    size_t at = 0;
    while (at < units_.size() && units_[at].begin < begin) ++at;
    const Position there = at < units_.size() ? units_[at].begin : end_;
    if (there != begin && !(added.empty() && begin < end_)) {
      return "CHUNK_CONFLICT";
    }
    for (const Unit& unit : added) {
      if (at < units_.size() && !(units_[at] == unit)) return "CHUNK_CONFLICT";
      ++at;
    }
    const size_t known = units_.size() - (at - added.size());
    for (size_t i = known; i < added.size(); ++i) {
      units_.push_back(added[i]);
      units_.back().begin = end_;
      end_ = After(added[i], end_, tokenizer);
    }
    return "";
  }

 private:
  static std::vector<Unit> UnitsOf(const AppendChunk& chunk, const Tokenizer&) {
    std::vector<Unit> units;
    for (unsigned char byte : chunk.text) units.push_back({false, byte, {}});
    for (int id : chunk.ids) units.push_back({true, id, {}});
    return units;
  }
  static Position After(const Unit& unit, Position at,
                        const Tokenizer& tokenizer) {
    const size_t bytes = unit.is_id ? tokenizer.Piece(unit.value).size() : 1;
    if (bytes > 0) return {at.byte_offset + bytes, 0};
    return {at.byte_offset, at.zero_byte_tokens + 1};
  }

  std::vector<Unit> units_;
  Position end_;
};

class AppendModelTest : public testing::Test {
 protected:
  AppendModelTest() {
    auto started = SyncEngine::Start(SyncEngine::Options(), &store_);
    EXPECT_TRUE(started.ok()) << started.status();
    engine_ = *std::move(started);
  }

  // A chunk that repeats units of the log from `at` on, and perhaps goes on.
  AppendChunk Repeat(const ReferenceLog& log, size_t at) {
    AppendChunk chunk;
    const auto& units = log.units();
    chunk.position = at < units.size() ? units[at].begin : log.end();
    const bool ids = at < units.size() && units[at].is_id;
    chunk.kind = ids ? LogRecord::Kind::kTokens : LogRecord::Kind::kText;
    size_t length = random_() % 40;
    for (; at < units.size() && units[at].is_id == ids && length > 0; ++at) {
      --length;
      if (ids) {
        chunk.ids.push_back(units[at].value);
      } else {
        chunk.text += static_cast<char>(units[at].value);
      }
    }
    if (at == units.size() && random_() % 2 == 0) Extend(&chunk);
    return chunk;
  }

  void Extend(AppendChunk* chunk) {
    if (chunk->kind == LogRecord::Kind::kTokens) {
      for (int i = random_() % 5; i >= 0; --i) {
        chunk->ids.push_back(random_() % 460);
      }
    } else {
      chunk->text += RandomText(1 + random_() % 30, &random_);
    }
  }

  AppendChunk RandomChunk(const ReferenceLog& log) {
    AppendChunk chunk;
    if (random_() % 4 == 0) chunk.kind = LogRecord::Kind::kTokens;
    Extend(&chunk);
    const int action = random_() % 10;
    if (action < 3) {
      chunk.position = log.end();
    } else if (action < 7 && !log.units().empty()) {
      const size_t back = random_() % std::min<size_t>(log.units().size(), 60);
      chunk = Repeat(log, log.units().size() - 1 - back);
    } else if (action == 7) {
      chunk.position = Position{log.end().byte_offset + 1 + random_() % 5, 0};
    } else if (action == 8 && log.end().byte_offset > 0) {
      chunk.position = Position{
          log.end().byte_offset -
              random_() % std::min<uint64_t>(log.end().byte_offset, 40),
          0};
    }  // else: at the head, wherever it is
    return chunk;
  }

  MemoryStore store_;
  std::unique_ptr<SyncEngine> engine_;
  std::mt19937_64 random_{4711};
};

TEST_F(AppendModelTest, TheLogDoesWhatTheModelSays) {
  const Tokenizer& tokenizer = engine_->engine().tokenizer();
  int refused = 0;
  ReferenceLog log;
  std::string name;
  const int operations = Soaked(20000);
  for (int operation = 0; operation < operations; ++operation) {
    if (operation % 500 == 0) {
      name = absl::StrCat("log", operation);
      ASSERT_TRUE(engine_->Create(name).ok());
      log = ReferenceLog();
    }
    const AppendChunk chunk = RandomChunk(log);
    const std::string expected = log.Add(chunk, tokenizer);
    const absl::StatusOr<AppendAck> ack = engine_->Append(name, {chunk});
    if (!ack.ok()) ++refused;
    ASSERT_EQ(ack.ok() ? "" : ReasonOf(ack.status()), expected)
        << "operation " << operation << " " << ack.status();
    if (ack.ok()) {
      ASSERT_EQ(ack->durable, log.end()) << "operation " << operation;
    }
  }
  std::string text;
  for (const ReferenceLog::Unit& unit : log.units()) {
    if (unit.is_id) {
      text += std::string(tokenizer.Piece(unit.value));
    } else {
      text += static_cast<char>(unit.value);
    }
  }
  EXPECT_EQ(*engine_->Text(name), text);
  // The dice must have tried both.
  EXPECT_GT(refused, operations / 20);
  EXPECT_LT(refused, operations / 2);
}

}  // namespace
}  // namespace oxbow
