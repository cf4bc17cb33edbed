// Reads a file of unknown honesty from front to back.
#ifndef OXBOW_ENGINE_WEIGHTS_FILE_CURSOR_H_
#define OXBOW_ENGINE_WEIGHTS_FILE_CURSOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/weights/input_file.h"

namespace oxbow {

// Takes little-endian numbers and strings one after another. Reads the file a
// buffer at a time: memory does not depend on what the file says. Lengths are
// compared with what is left of the file before anything is allocated.
//
// Each error is InvalidArgument: "m.gguf: metadata 3 needs 8 bytes, the file
// ends 2 bytes on". Thread-compatible. Borrows the file.
class FileCursor {
 public:
  explicit FileCursor(const InputFile* file) : file_(file) {}

  int64_t position() const { return position_; }
  int64_t left() const { return file_->size() - position_; }

  // What is being read, for errors: "metadata 3".
  void set_part(std::string part) { part_ = std::move(part); }

  // An error about the part being read: "m.gguf: metadata 3 WHY".
  absl::Status Fault(absl::string_view why) const;

  absl::StatusOr<uint8_t> TakeU8();
  absl::StatusOr<uint16_t> TakeU16();
  absl::StatusOr<uint32_t> TakeU32();
  absl::StatusOr<uint64_t> TakeU64();
  absl::StatusOr<std::string> TakeBytes(uint64_t count);
  absl::Status Skip(uint64_t count);
  // To a place in the file, forwards or backwards.
  absl::Status SeekTo(int64_t position);

 private:
  absl::Status CheckLeft(uint64_t count) const;
  absl::Status Fill(char* bytes, size_t count);
  template <class T>
  absl::StatusOr<T> TakeNumber();

  const InputFile* const file_;
  int64_t position_ = 0;
  std::string part_ = "the header";
  std::vector<char> buffer_;
  int64_t buffer_begin_ = 0;  // its place in the file
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_WEIGHTS_FILE_CURSOR_H_
