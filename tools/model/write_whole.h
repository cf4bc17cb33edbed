// Files that appear whole or not at all.
#ifndef OXBOW_TOOLS_MODEL_WRITE_WHOLE_H_
#define OXBOW_TOOLS_MODEL_WRITE_WHOLE_H_

#include <fstream>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace oxbow {

// Lets `write` fill a file beside `path`, which then takes its place. An error
// of `write`, or Unknown if the file cannot be written, leaves nothing behind.
absl::Status WriteWhole(
    const std::string& path,
    absl::FunctionRef<absl::Status(std::ofstream& file)> write);

}  // namespace oxbow

#endif  // OXBOW_TOOLS_MODEL_WRITE_WHOLE_H_
