// Files as a bad disk gives them back.
#ifndef OXBOW_STORE_TESTING_DAMAGE_H_
#define OXBOW_STORE_TESTING_DAMAGE_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace oxbow {

enum class Damage {
  kFlippedBit,
  kTruncation,   // at any byte
  kZeroedBlock,  // 4 KiB, at a multiple of that
};

// The files below a folder of a store, or of backups, that hold anything: not
// locks, logs for people, or empty files. In the order of their names.
std::vector<std::string> FilesThatCount(const std::string& folder);

// Damages one of those at a random place, each kind of file being as likely as
// another, and returns what it did: "rocksdb/000012.sst: bit 3 of byte 17".
std::string DamageAFile(const std::string& folder, Damage damage,
                        std::mt19937* random);

// The block `block` of 4 KiB of a file, or what there is of it.
void ZeroBlock(const std::string& file, uint64_t block);

// The most memory that this process has held so far.
uint64_t PeakMemoryBytes();

}  // namespace oxbow

#endif  // OXBOW_STORE_TESTING_DAMAGE_H_
