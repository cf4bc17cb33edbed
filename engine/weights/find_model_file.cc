#include "engine/weights/find_model_file.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;

constexpr char kIndexName[] = "model.safetensors.index.json";
constexpr int kFilesMax = 10000;

bool IsNamedAsWeights(const std::string& name) {
  for (const char* ending : {".safetensors", ".st", ".pth", ".gguf"}) {
    if (absl::EndsWithIgnoreCase(name, ending)) return true;
  }
  return false;
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
  std::vector<std::string> weights, bins;
  for (const std::string& name : NamesIn(path)) {
    if (name == kIndexName) return absl::StrCat(path, "/", name);
    if (IsNamedAsWeights(name)) weights.push_back(name);
    if (absl::EndsWithIgnoreCase(name, ".bin")) bins.push_back(name);
  }
  const std::vector<std::string>& found = weights.empty() ? bins : weights;
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
