#include "tools/model/write_whole.h"

#include <filesystem>

#include "absl/strings/str_cat.h"

namespace oxbow {

absl::Status WriteWhole(
    const std::string& path,
    absl::FunctionRef<absl::Status(std::ofstream& file)> write) {
  const std::string part = path + ".part";
  std::ofstream file(part, std::ios::binary);
  absl::Status status = write(file);
  file.close();
  if (status.ok() && !file.good()) {
    status = absl::UnknownError(absl::StrCat(part, ": cannot be written"));
  }
  std::error_code error;
  if (!status.ok()) {
    std::filesystem::remove(part, error);
    return status;
  }
  std::filesystem::rename(part, path, error);
  if (!error) return absl::OkStatus();
  return absl::UnknownError(absl::StrCat(path, ": ", error.message()));
}

}  // namespace oxbow
