#include "engine/weights/find_model_file.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;

constexpr int kFilesMax = 10000;

// Files by the ends of their names: a group goes before the next.
const std::vector<std::vector<std::string>>& EndingGroups() {
  static const auto* const kGroups = new std::vector<std::vector<std::string>>{
      {".safetensors.index.json"},
      {".safetensors", ".st", ".pth", ".gguf"},
      {".bin.index.json"},
      {".bin"}};
  return *kGroups;
}

bool EndsInOneOf(const std::string& name,
                 const std::vector<std::string>& endings) {
  return std::any_of(endings.begin(), endings.end(), [&](const auto& ending) {
    return absl::EndsWithIgnoreCase(name, ending);
  });
}

// The names in a folder, sorted; those past kFilesMax are not looked at.
std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end;
       !error && at != end && names.size() < kFilesMax; at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

absl::StatusOr<std::string> FindModelFile(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  const std::vector<std::string> names = NamesIn(path);
  std::vector<std::string> found;
  for (const std::vector<std::string>& endings : EndingGroups()) {
    std::copy_if(names.begin(), names.end(), std::back_inserter(found),
                 [&](const auto& name) { return EndsInOneOf(name, endings); });
    if (!found.empty()) break;
  }
  if (found.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": a folder without a file of weights"));
  }
  if (found.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": a folder with ", found.size(),
                     " files of "
                     "weights, such as ",
                     found[0], " and ", found[1], "; name one"));
  }
  return absl::StrCat(path, "/", found[0]);
}

}  // namespace oxbow
