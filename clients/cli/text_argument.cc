#include "clients/cli/text_argument.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace oxbow::cli {

absl::StatusOr<std::string> ReadSome(int fd, size_t bytes_max) {
  std::string bytes(bytes_max, '\0');
  while (true) {
    const ssize_t count = read(fd, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes.resize(count);
      return bytes;
    }
    if (errno != EINTR) {
      return InputFault(
          absl::StrCat("cannot read the input: ", std::strerror(errno)));
    }
  }
}

absl::StatusOr<std::string> ReadArgument(const Session& session,
                                         const std::string& argument) {
  if (argument != "-") return argument;
  std::string all;
  while (true) {
    ASSIGN_OR_RETURN(const std::string some,
                     ReadSome(session.stdin_fd, 1 << 16));
    if (some.empty()) return all;
    all += some;
  }
}

absl::StatusOr<std::vector<int>> ParseIds(absl::string_view text) {
  std::vector<int> ids;
  for (const absl::string_view word : absl::StrSplit(
           text, absl::ByAnyChar(" \t\r\n\v\f"), absl::SkipEmpty())) {
    int id = 0;
    if (!absl::SimpleAtoi(word, &id) || id < 0) {
      return UsageFault(absl::StrCat("\"", absl::CHexEscape(word.substr(0, 40)),
                                     "\" is no token id"));
    }
    ids.push_back(id);
  }
  return ids;
}

v1::At MakeAt(int64_t at_byte, int64_t at_token) {
  v1::At at;
  if (at_byte >= 0) at.set_byte_offset(at_byte);
  if (at_token >= 0) at.set_token_offset(at_token);
  return at;
}

}  // namespace oxbow::cli
