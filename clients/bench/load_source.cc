#include "clients/bench/load_source.h"

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace oxbow::bench {
namespace {

constexpr const char* kWords[] = {
    "the",    "river",   "of",    "and",     "water",   "bends",   "in",
    "a",      "valley",  "where", "it",      "left",    "old",     "course",
    "behind", "to",      "lake",  "is",      "that",    "remains", "stream",
    "with",   "every",   "flood", "carries", "sand",    "from",    "one",
    "bank",   "other",   "until", "neck",    "between", "two",     "loops",
    "breaks", "through", "so",    "for",     "years",   "after",   "its",
};

}  // namespace

std::string RandomWords(size_t bytes) {
  std::mt19937 random(1);
  std::string text;
  while (text.size() < bytes) {
    const uint32_t draw = random();
    absl::StrAppend(&text, kWords[draw % std::size(kWords)],
                    draw >> 28 == 0 ? ".\n" : " ");
  }
  text.resize(bytes);
  return text;
}

LoadSource::LoadSource(absl::string_view corpus, const std::string& line,
                       size_t chunk_bytes, absl::optional<int64_t> bytes)
    : corpus_(corpus),
      chunk_bytes_(chunk_bytes),
      begun_(absl::StrCat(line, "\n")),
      left_(bytes) {}

absl::StatusOr<absl::optional<cli::Piece>> LoadSource::Next(
    const v1::Position& begin) {
  absl::MutexLock lock(&mu_);
  size_t wanted = chunk_bytes_;
  if (left_.has_value()) wanted = std::min<int64_t>(wanted, *left_);
  if (wanted == 0) return absl::optional<cli::Piece>();
  std::string text = begun_.substr(0, wanted);
  begun_.erase(0, text.size());
  while (text.size() < wanted) {
    const absl::string_view some = corpus_.substr(place_, wanted - text.size());
    absl::StrAppend(&text, some);
    place_ = (place_ + some.size()) % corpus_.size();
  }
  if (left_.has_value()) *left_ -= text.size();
  cli::Piece piece;
  *piece.chunk.mutable_position() = begin;
  piece.end.set_byte_offset(begin.byte_offset() + text.size());
  piece.chunk.set_text(std::move(text));
  sent_.emplace_back(piece.end, absl::Now());
  return absl::optional<cli::Piece>(std::move(piece));
}

void LoadSource::End() {
  absl::MutexLock lock(&mu_);
  left_ = 0;
}

std::vector<absl::Time> LoadSource::TakeDurable(const v1::Position& durable) {
  std::vector<absl::Time> taken;
  absl::MutexLock lock(&mu_);
  while (!sent_.empty() && !cli::IsBefore(durable, sent_.front().first)) {
    taken.push_back(sent_.front().second);
    sent_.pop_front();
  }
  return taken;
}

absl::Status LoadSource::Skip(const std::string&) {
  return absl::UnimplementedError("a load cannot skip");
}

absl::Status LoadSource::SkipTo(const v1::Position&) {
  return absl::UnimplementedError("a load cannot skip");
}

}  // namespace oxbow::bench
