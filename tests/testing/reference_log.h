// What a log should hold, said as simply as can be, and chunks that try it.
#ifndef OXBOW_TESTS_TESTING_REFERENCE_LOG_H_
#define OXBOW_TESTS_TESTING_REFERENCE_LOG_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/tokenizer/tokenizer.h"

namespace oxbow {

// One element a byte of text or an id.
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

  // What should become of a chunk: "" if it is taken, else the reason; then
  // nothing has changed.
  std::string Add(const AppendChunk& chunk, const Tokenizer& tokenizer);
  // The bytes it holds.
  std::string Text(const Tokenizer& tokenizer) const;
  // The same log in as few chunks as can be.
  std::vector<AppendChunk> Whole() const;

 private:
  std::vector<Unit> units_;
  Position end_;
};

// Chunks at the head, behind it, overlapping it, past it; the same bytes again
// or others; text and ids.
class ChunkDice {
 public:
  explicit ChunkDice(uint64_t seed) : random_(seed) {}

  AppendChunk Chunk(const ReferenceLog& log);
  std::mt19937_64& random() { return random_; }

 private:
  // Repeats units of the log from `at` on, and perhaps goes on.
  AppendChunk Repeat(const ReferenceLog& log, size_t at);
  void Extend(AppendChunk* chunk);

  std::mt19937_64 random_;
};

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_REFERENCE_LOG_H_
