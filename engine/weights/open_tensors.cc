#include "engine/weights/open_tensors.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/weights/gguf.h"
#include "engine/weights/gguf_header.h"
#include "engine/weights/input_file.h"
#include "engine/weights/pth.h"
#include "engine/weights/rwkv_cpp.h"
#include "engine/weights/safetensors.h"

namespace oxbow {

absl::StatusOr<std::unique_ptr<TensorSource>> OpenTensors(
    const std::string& path) {
  ASSIGN_OR_RETURN(InputFile file, InputFile::Open(path));
  char start[9];
  const absl::Status read = file.ReadAt(0, absl::MakeSpan(start));
  if (!read.ok()) return read;
  const absl::string_view magic(start, sizeof(start));
  if (LooksLikeZip(file)) return OpenPth(std::move(file));
  if (LooksLikeGguf(file)) return OpenGguf(std::move(file));
  if (LooksLikeRwkvCpp(file)) return OpenRwkvCpp(std::move(file));
  if (absl::StartsWith(magic, "\x80\x02")) {
    return absl::UnimplementedError(absl::StrCat(
        path, ": a torch file from before version 1.6; save it again"));
  }
  // A safetensors file has no magic but its header's brace.
  if (magic[8] != '{') {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": neither a .pth, .safetensors, .gguf nor rwkv.cpp file"));
  }
  return OpenSafetensors(std::move(file));
}

}  // namespace oxbow
