// Runs a fuzz target over a folder of seeds, and over what random damage makes
// of each: a plain test, for builds without libFuzzer.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>

#include "engine/weights/testing/mutate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kMutantsASeed = 500;

void RunOne(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()),
                         bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::mt19937 random(1);
  int seeds = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string seed(std::istreambuf_iterator<char>(file), {});
    RunOne(seed);
    for (int i = 0; i < kMutantsASeed; ++i) {
      RunOne(oxbow::Mutate(seed, seed.size() + 1, random));
    }
    ++seeds;
  }
  std::cout << seeds << " seeds, " << kMutantsASeed << " mutants each\n";
  return seeds > 0 ? 0 : 1;
}
