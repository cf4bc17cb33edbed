#include "engine/weights/adapter_file.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace oxbow {

absl::StatusOr<AdapterFile> ParseAdapterFile(const std::string& text) {
  AdapterFile file{text};
  const size_t colon = text.rfind(':');
  float scale;
  if (colon != std::string::npos &&
      absl::SimpleAtof(text.substr(colon + 1), &scale)) {
    file = {text.substr(0, colon), scale};
  }
  if (file.path.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("want PATH or PATH:SCALE, not ", text));
  }
  if (!std::isfinite(file.scale) || file.scale == 0.0f) {
    return absl::InvalidArgumentError(
        absl::StrCat(text, ": the scale must be a finite number other than 0"));
  }
  return file;
}

std::string NameOf(const AdapterFile& file) {
  std::string name = file.path.substr(file.path.rfind('/') + 1);
  if (file.scale != 1.0f) absl::StrAppend(&name, ":", file.scale);
  return name;
}

}  // namespace oxbow
