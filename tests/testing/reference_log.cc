#include "tests/testing/reference_log.h"

#include <algorithm>

#include "tests/testing/random_text.h"

namespace oxbow {
namespace {

using Unit = ReferenceLog::Unit;

std::vector<Unit> UnitsOf(const AppendChunk& chunk) {
  std::vector<Unit> units;
  for (unsigned char byte : chunk.text) units.push_back({false, byte, {}});
  for (int id : chunk.ids) units.push_back({true, id, {}});
  return units;
}
Position After(const Unit& unit, Position at, const Tokenizer& tokenizer) {
  const size_t bytes = unit.is_id ? tokenizer.Piece(unit.value).size() : 1;
  if (bytes > 0) return {at.byte_offset + bytes, 0};
  return {at.byte_offset, at.zero_byte_tokens + 1};
}

}  // namespace

std::string ReferenceLog::Add(const AppendChunk& chunk,
                              const Tokenizer& tokenizer) {
  const std::vector<Unit> added = UnitsOf(chunk);
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

std::string ReferenceLog::Text(const Tokenizer& tokenizer) const {
  std::string text;
  for (const Unit& unit : units_) {
    if (unit.is_id) {
      text += std::string(tokenizer.Piece(unit.value));
    } else {
      text += static_cast<char>(unit.value);
    }
  }
  return text;
}

std::vector<AppendChunk> ReferenceLog::Whole() const {
  std::vector<AppendChunk> chunks;
  for (const Unit& unit : units_) {
    const LogRecord::Kind kind =
        unit.is_id ? LogRecord::Kind::kTokens : LogRecord::Kind::kText;
    if (chunks.empty() || chunks.back().kind != kind) {
      chunks.emplace_back().kind = kind;
    }
    if (unit.is_id) {
      chunks.back().ids.push_back(unit.value);
    } else {
      chunks.back().text += static_cast<char>(unit.value);
    }
  }
  return chunks;
}

AppendChunk ChunkDice::Repeat(const ReferenceLog& log, size_t at) {
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

void ChunkDice::Extend(AppendChunk* chunk) {
  if (chunk->kind == LogRecord::Kind::kTokens) {
    for (int i = random_() % 5; i >= 0; --i) {
      chunk->ids.push_back(random_() % 460);
    }
  } else {
    chunk->text += RandomText(1 + random_() % 30, &random_);
  }
}

AppendChunk ChunkDice::Chunk(const ReferenceLog& log) {
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
    chunk.position =
        Position{log.end().byte_offset -
                     random_() % std::min<uint64_t>(log.end().byte_offset, 40),
                 0};
  }  // else: at the head, wherever it is
  return chunk;
}

}  // namespace oxbow
