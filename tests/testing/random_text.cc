#include "tests/testing/random_text.h"

#include <algorithm>

namespace oxbow {

std::string RandomText(size_t bytes, std::mt19937_64* random) {
  static const std::string* const kAlphabet =
      new std::string("aaabbbccc  \n\xc3\xa9\xc3\xa9.");
  std::string text;
  while (text.size() < bytes) {
    if ((*random)() % 50 == 0) {
      text += static_cast<char>((*random)() % 256);
    } else {
      text += (*kAlphabet)[(*random)() % kAlphabet->size()];
    }
  }
  return text;
}

std::vector<size_t> RandomCuts(size_t bytes, std::mt19937_64* random) {
  std::vector<size_t> cuts;
  // Each text has a scale of its own: mostly tiny chunks, or mostly long ones.
  const size_t scale = size_t{1} << ((*random)() % 10);
  size_t cut = 0;
  while (cut < bytes) {
    cuts.push_back(std::min(bytes - cut, 1 + (*random)() % scale));
    cut += cuts.back();
  }
  return cuts;
}

}  // namespace oxbow
