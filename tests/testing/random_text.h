// Random texts and cuts, for tests.
#ifndef OXBOW_TESTS_TESTING_RANDOM_TEXT_H_
#define OXBOW_TESTS_TESTING_RANDOM_TEXT_H_

#include <cstddef>
#include <random>
#include <string>
#include <vector>

namespace oxbow {

// Letters, blanks, newlines and characters of two bytes, of which the test
// vocabulary has many overlapping pieces; now and then any byte at all.
std::string RandomText(size_t bytes, std::mt19937_64* random);

// Sizes of chunks that cut a text of so many bytes: some of one byte, some
// long.
std::vector<size_t> RandomCuts(size_t bytes, std::mt19937_64* random);

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_RANDOM_TEXT_H_
