#include "store/check_log_files.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlockBytes = 32 << 10;
constexpr size_t kHeaderBytes = 7;

bool IsZero(absl::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char byte) { return byte == 0; });
}

// Where the block's records end in a header of zeros; its size if they go on to
// its end; nullopt if that cannot be told.
absl::optional<size_t> EndOfRecords(absl::string_view block) {
  size_t at = 0;
  while (at + kHeaderBytes <= block.size()) {
    const size_t length = static_cast<uint8_t>(block[at + 4]) |
                          static_cast<uint8_t>(block[at + 5]) << 8;
    if (length == 0 && block[at + 6] == 0) return at;
    at += kHeaderBytes + length;
    if (at > block.size()) return absl::nullopt;
  }
  return block.size();
}

}  // namespace

absl::Status CheckLogFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> buffer(kBlockBytes);
  absl::optional<uint64_t> zeros_at;
  for (uint64_t begin = 0; file; begin += kBlockBytes) {
    file.read(buffer.data(), kBlockBytes);
    const absl::string_view block(buffer.data(), file.gcount());
    size_t end = 0;
    if (!zeros_at) {
      const absl::optional<size_t> records = EndOfRecords(block);
      if (!records) return absl::OkStatus();
      end = *records;
      if (end < block.size()) zeros_at = begin + end;
    }
    if (IsZero(block.substr(end))) continue;
    return absl::DataLossError(absl::StrCat(
        "The file ", path, " is damaged: at byte ", *zeros_at,
        " stand zeros where a record should begin, and more behind them."));
  }
  return absl::OkStatus();
}

absl::Status CheckLogFiles(const std::string& folder) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::end(entry); entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (absl::EndsWith(name, ".log") || absl::StartsWith(name, "MANIFEST-")) {
      RETURN_IF_ERROR(CheckLogFile(entry->path()));
    }
  }
  return absl::OkStatus();
}

}  // namespace oxbow
