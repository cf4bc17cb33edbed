#include "engine/token_feed.h"

#include <utility>

#include "engine/measure_record.h"

namespace oxbow {

TokenFeed::TokenFeed(const Tokenizer* tokenizer, Position at)
    : tokenizer_(tokenizer), decided_end_(at), end_(at) {}

void TokenFeed::AddText(absl::string_view text) {
  if (text.empty()) return;
  text_.append(text.data(), text.size());
  end_ = {end_.byte_offset + text.size(), 0};
  Decide(/*is_end=*/false);
}

void TokenFeed::AddIds(const std::vector<int>& ids) {
  AddSeam();
  for (int id : ids) {
    end_ = AfterId(*tokenizer_, end_, id);
    decided_end_ = end_;
    decided_.push_back({id, end_});
  }
}

void TokenFeed::AddSeam() { Decide(/*is_end=*/true); }

std::vector<FedToken> TokenFeed::Take(size_t count) {
  if (count > decided_.size()) count = decided_.size();
  std::vector<FedToken> taken(decided_.begin(), decided_.begin() + count);
  decided_.erase(decided_.begin(), decided_.begin() + count);
  return taken;
}

void TokenFeed::Decide(bool is_end) {
  std::vector<TextToken> unit;
  while (const int bytes = tokenizer_->Next(undecided(), is_end, &unit)) {
    const uint64_t begin = decided_end_.byte_offset;
    for (const TextToken& token : unit) {
      decided_.push_back({token.id, {begin + token.end, 0}, false});
    }
    decided_.back().ends_unit = true;
    text_begin_ += bytes;
    decided_end_ = decided_.back().end;
    unit.clear();
  }
  text_.erase(0, text_begin_);
  text_begin_ = 0;
}

}  // namespace oxbow
