// Reads Python string literals, as vocabulary files hold them.
#ifndef OXBOW_ENGINE_TOKENIZER_PYTHON_LITERAL_H_
#define OXBOW_ENGINE_TOKENIZER_PYTHON_LITERAL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace oxbow {

// The bytes of one literal: 'text' or "text" is encoded as UTF-8, b'bytes' or
// b"bytes" is raw. So '\x80' gives two bytes and b'\x80' one. Knows every
// escape of Python but \N{name} and a line break.
//
// InvalidArgument says what is wrong: no quotes, a stray quote, an unknown
// escape, an escape past 0x10FFFF or of a surrogate, text that is not UTF-8,
// bytes past 0x7F outside of an escape in b''.
absl::StatusOr<std::string> ParsePythonLiteral(absl::string_view literal);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_PYTHON_LITERAL_H_
