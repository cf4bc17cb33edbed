#include "engine/tokenizer/word_reader.h"

namespace oxbow {

using Kind = TextWindow::Kind;

PieceTrie::Match WordReader::AddedAt(size_t index) {
  while (true) {
    const PieceTrie::Match match =
        added_->At(window_->normalized().substr(window_->begin(index)));
    if (!match.may_grow || !window_->ReadSegment()) return match;
  }
}

WordReader::Item WordReader::ItemAt(size_t begin) {
  Item item;
  item.begin = begin;
  const PieceTrie::Match match = AddedAt(begin);
  if (match.bytes == 0) {
    ReadWord(&item);
    return item;
  }
  item.added_id = match.id;
  item.end = begin + 1;
  const size_t end_byte = window_->begin(begin) + match.bytes;
  while (window_->begin(item.end) < end_byte) ++item.end;
  return item;
}

void WordReader::ReadWord(Item* word) {
  const size_t begin = word->begin;
  if (Is(begin, '\'')) {
    word->end = EndOfContraction(begin);
    if (word->end > begin) return;
  }
  // A word may begin with a space.
  const bool takes_space = Is(begin, ' ') && Continues(begin + 1) &&
                           window_->kind(begin + 1) != Kind::kSpace;
  const size_t first = begin + (takes_space ? 1 : 0);
  word->end = EndOfRun(first);
  // The last of several spaces is left for the word behind them.
  const bool is_long_space =
      window_->kind(first) == Kind::kSpace && word->end - first > 1;
  if (!is_long_space || !Continues(word->end)) return;
  --word->end;
  word->leaves_space = !Is(word->end, ' ');
}

// `begin` itself if there is none.
size_t WordReader::EndOfContraction(size_t begin) {
  if (!Continues(begin + 1)) return begin;
  const size_t second = begin + 1;
  for (char c : {'s', 't', 'm', 'd'}) {
    if (Is(second, c)) return begin + 2;
  }
  for (const char* pair : {"re", "ve", "ll"}) {
    if (Is(second, pair[0]) && Continues(begin + 2) && Is(begin + 2, pair[1])) {
      return begin + 3;
    }
  }
  return begin;
}

size_t WordReader::EndOfRun(size_t begin) {
  const Kind kind = window_->kind(begin);
  size_t end = begin + 1;
  while (Continues(end) && window_->kind(end) == kind) ++end;
  return end;
}

}  // namespace oxbow
