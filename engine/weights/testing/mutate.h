// Spoils bytes at random, the same way on every machine.
#ifndef OXBOW_ENGINE_WEIGHTS_TESTING_MUTATE_H_
#define OXBOW_ENGINE_WEIGHTS_TESTING_MUTATE_H_

#include <algorithm>
#include <random>
#include <string>

namespace oxbow {

// One to four changes within the first `reach` bytes: a byte flipped, set,
// dropped or doubled, a piece cut out or moved, or the end cut off.
inline std::string Mutate(std::string bytes, size_t reach,
                          std::mt19937& random) {
  for (int changes = 1 + random() % 4; changes > 0 && !bytes.empty();
       --changes) {
    const size_t at = random() % std::min(reach, bytes.size());
    switch (random() % 7) {
      case 0:
        bytes[at] ^= static_cast<char>(1 << random() % 8);
        break;
      case 1:
        bytes[at] = static_cast<char>(random());
        break;
      case 2:
        bytes[at] = "\0\xff\x7f\x80"[random() % 4];
        break;
      case 3:
        bytes.erase(at, 1 + random() % 8);
        break;
      case 4:
        bytes.insert(at, 1 + random() % 8, bytes[at]);
        break;
      case 5:
        bytes.insert(random() % bytes.size(), bytes.substr(at, random() % 64));
        break;
      default:
        if (random() % 8 == 0) bytes.resize(at);
    }
  }
  return bytes;
}

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_TESTING_MUTATE_H_
