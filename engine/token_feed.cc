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
  int id = 0;
  while (const int bytes = tokenizer_->Next(undecided(), is_end, &id)) {
    text_begin_ += bytes;
    decided_end_ = {decided_end_.byte_offset + bytes, 0};
    decided_.push_back({id, decided_end_});
  }
  text_.erase(0, text_begin_);
  text_begin_ = 0;
}

}  // namespace oxbow
