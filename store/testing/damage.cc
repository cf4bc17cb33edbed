#include "store/testing/damage.h"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kBlockBytes = 4096;

std::string ContentsOf(const std::string& file) {
  std::ostringstream contents;
  contents << std::ifstream(file, std::ios::binary).rdbuf();
  return contents.str();
}

void Write(const std::string& file, const std::string& contents) {
  std::ofstream(file, std::ios::binary) << contents;
}

// "sst", "MANIFEST": what comes before a number, or after it.
std::string KindOf(const std::string& file) {
  const fs::path path(file);
  const std::string name = path.filename();
  if (path.has_extension()) return path.extension();
  return name.substr(0, name.find_first_of("-0123456789"));
}

std::string AnyFile(const std::string& folder, std::mt19937* random) {
  std::map<std::string, std::vector<std::string>> kinds;
  for (const std::string& file : FilesThatCount(folder)) {
    kinds[KindOf(file)].push_back(file);
  }
  OXBOW_CHECK(!kinds.empty()) << folder;
  const auto kind = std::next(
      kinds.begin(), static_cast<std::ptrdiff_t>((*random)() % kinds.size()));
  return kind->second[(*random)() % kind->second.size()];
}

std::string Flip(const std::string& file, std::mt19937* random) {
  std::string contents = ContentsOf(file);
  const size_t byte = (*random)() % contents.size();
  const int bit = static_cast<int>((*random)() % 8);
  contents[byte] = static_cast<char>(contents[byte] ^ 1 << bit);
  Write(file, contents);
  return absl::StrCat("bit ", bit, " of byte ", byte);
}

std::string Truncate(const std::string& file, std::mt19937* random) {
  const uint64_t size = fs::file_size(file);
  const uint64_t left = (*random)() % size;
  fs::resize_file(file, left);
  return absl::StrCat(left, " of ", size, " bytes left");
}

std::string Zero(const std::string& file, std::mt19937* random) {
  const uint64_t size = fs::file_size(file);
  const uint64_t blocks = (size + kBlockBytes - 1) / kBlockBytes;
  const uint64_t block = (*random)() % blocks;
  ZeroBlock(file, block);
  return absl::StrCat("block ", block, " of ", blocks, " zeroed");
}

}  // namespace

std::vector<std::string> FilesThatCount(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.file_size() == 0) continue;
    const std::string name = entry.path().filename();
    if (absl::StartsWith(name, "LOG") || name == "IDENTITY") continue;
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string DamageAFile(const std::string& folder, Damage damage,
                        std::mt19937* random) {
  const std::string file = AnyFile(folder, random);
  std::string what;
  switch (damage) {
    case Damage::kFlippedBit:
      what = Flip(file, random);
      break;
    case Damage::kTruncation:
      what = Truncate(file, random);
      break;
    case Damage::kZeroedBlock:
      what = Zero(file, random);
      break;
  }
  return absl::StrCat(fs::relative(file, folder).string(), ": ", what);
}

void ZeroBlock(const std::string& file, uint64_t block) {
  std::string contents = ContentsOf(file);
  const uint64_t begin = block * kBlockBytes;
  OXBOW_CHECK(begin < contents.size()) << file;
  const uint64_t bytes = std::min(kBlockBytes, contents.size() - begin);
  contents.replace(begin, bytes, bytes, '\0');
  Write(file, contents);
}

uint64_t PeakMemoryBytes() {
  struct rusage usage;
  OXBOW_CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
  return uint64_t{1024} * usage.ru_maxrss;
}

}  // namespace oxbow
