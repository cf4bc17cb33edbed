// Random text that is hard on whatever cuts, decodes or normalizes it.
#ifndef OXBOW_TESTS_TESTING_NASTY_TEXT_H_
#define OXBOW_TESTS_TESTING_NASTY_TEXT_H_

#include <random>
#include <string>

namespace oxbow {

// About `bytes` bytes of words, contractions, spaces in long runs, CJK, Hangul
// syllables and jamo, combining marks in and out of order, characters that
// normalization changes, emoji with joiners, special tokens whole and broken,
// U+FFFD, and bytes that are not UTF-8. Each text draws on a few of them only.
std::string NastyText(size_t bytes, std::mt19937_64* random);

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_NASTY_TEXT_H_
