#include "tests/testing/nasty_text.h"

#include <vector>

namespace oxbow {
namespace {

const std::vector<std::string>& Parts() {
  static const auto* const kParts = new std::vector<std::string>{
      "a", "b", "s", "t", "l", "x", "X", "1", "2", "!", ".", "'", "\"", ")",
      " ", " ", "\n", "\t", "\r\n", "  ", "   ", "      ", "'s", "'ll", "'re",
      "'S", " the", " world", "ing", "aaaaaaaa", "don't", "<|endoftext|>",
      "<|endo", "<|", "[x]", "[x", "e\u0301!",
      // Marks of several classes, and what they stand on.
      "e", "q", "\u0301", "\u0323", "\u0307", "\u0308", "\u0345", "\u05b0",
      "\u3099", "\u304b", "\u0f71", "\u0f72", "\u0f73", "\u0f74", "\u0344",
      // Hangul, whole and in parts.
      "\u1100", "\u1112", "\u1161", "\u11a8", "\uac00", "\uac01",
      // Starters that compose.
      "\u09c7", "\u09be", "\u0b47", "\u0b3e", "\u0cc6", "\u0cc2", "\u0cd5",
      "\u0dd9", "\u0dcf", "\u0dca", "\U00011131", "\U00011127",
      // What normalization makes longer, shorter, or something else.
      "\u00e9", "\u212b", "\u212a", "\u0958", "\u1fef", "\U0001d15e", "\u4f60",
      "\u597d", "\u00bd", "\u0663", "\u00a0", "\u2003", "\u3000", "\U0001f600",
      "\U0001f468", "\u200d", "\ufe0f", "\U0001f1e9", "\ufffd", "\u0416",
      std::string(1, '\0')};
  return *kParts;
}

}  // namespace

std::string NastyText(size_t bytes, std::mt19937_64* random) {
  std::vector<std::string> parts;
  for (int i = 1 + (*random)() % 20; i >= 0; --i) {
    parts.push_back(Parts()[(*random)() % Parts().size()]);
  }
  const bool is_damaged = (*random)() % 4 == 0;
  std::string text;
  while (text.size() < bytes) {
    text += parts[(*random)() % parts.size()];
    if (!is_damaged) continue;
    if ((*random)() % 8 == 0) text.back() = static_cast<char>((*random)());
    if ((*random)() % 8 == 0) text.pop_back();
  }
  return text;
}

}  // namespace oxbow
