#include "engine/token_feed.h"

#include <algorithm>
#include <utility>

#include "engine/measure_record.h"

namespace oxbow {

TokenFeed::TokenFeed(const Tokenizer* tokenizer, Position at)
    : tokenizer_(tokenizer), decided_end_(at), end_(at) {}

TokenFeed::TokenFeed(const Tokenizer* tokenizer, Position at,
                     absl::string_view lead)
    : TokenFeed(tokenizer, at) {
  text_ = std::string(lead);
  lead_bytes_ = lead.size();
  Decide(/*is_end=*/false);
}

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
  while (const size_t bytes = tokenizer_->Next(open(), is_end, &unit)) {
    const uint64_t begin = decided_end_.byte_offset;
    for (const TextToken& token : unit) {
      const size_t end = token.end;
      // A token may end before the text's first character does: at 0.
      if (lead_bytes_ > 0 && end <= lead_bytes_) {
        lead_.push_back(token.id);
      } else {
        decided_.push_back({token.id, {begin + end - lead_bytes_, 0}, false});
      }
    }
    if (bytes > lead_bytes_) {
      decided_.back().ends_unit = true;
      decided_end_ = decided_.back().end;
    }
    lead_bytes_ -= std::min(lead_bytes_, bytes);
    text_begin_ += bytes;
    unit.clear();
  }
  text_.erase(0, text_begin_);
  text_begin_ = 0;
}

}  // namespace oxbow
