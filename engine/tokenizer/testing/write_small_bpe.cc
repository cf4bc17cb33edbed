// Prints the small tokenizer.json, for tools that should agree with us about
// it: ../testdata/README.md.
#include <iostream>

#include "engine/tokenizer/testing/small_bpe.h"

int main() { std::cout << oxbow::SmallBpe().dump() << "\n"; }
