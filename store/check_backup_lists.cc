#include "store/check_backup_lists.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;

// A million files and more.
constexpr uint64_t kListBytesMax = 256 << 20;

struct Listed {
  std::string checksum;
  std::string list;
};

absl::Status CheckList(const fs::path& path,
                       std::map<std::string, Listed>* files) {
  std::ifstream list(path);
  std::string line;
  while (std::getline(list, line)) {
    const size_t space = line.find(' ');
    // The first lines are numbers and the note.
    if (space == std::string::npos || line.find('/') > space) continue;
    const Listed listed = {line.substr(space + 1), path.filename()};
    const auto added = files->emplace(line.substr(0, space), listed);
    if (added.first->second.checksum == listed.checksum) continue;
    return absl::DataLossError(absl::StrCat(
        "The lists of files of the backups ", added.first->second.list, " and ",
        listed.list, " in ", path.parent_path().string(), " disagree about ",
        added.first->first,
        ": one of them is damaged. Moving the list of one elsewhere leaves the "
        "other."));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckBackupLists(const std::string& folder) {
  std::map<std::string, Listed> files;
  std::error_code error;
  fs::directory_iterator entry(folder + "/meta", error);
  for (; !error && entry != fs::end(entry); entry.increment(error)) {
    std::error_code gone;
    const uint64_t bytes = entry->file_size(gone);
    if (gone) continue;
    if (bytes > kListBytesMax) {
      return absl::DataLossError(absl::StrCat(
          "The list of files ", entry->path().string(), " has ", bytes,
          " bytes; none has more than ", kListBytesMax, "."));
    }
    RETURN_IF_ERROR(CheckList(entry->path(), &files));
  }
  return absl::OkStatus();
}

}  // namespace oxbow
