#include "engine/tokenizer/python_literal.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "unicode/utf8.h"

namespace oxbow {
namespace {

absl::Status Fault(absl::string_view why) {
  return absl::InvalidArgumentError(why);
}

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

// Reads up to `most` digits of this base from the front of *rest.
uint32_t TakeDigits(absl::string_view* rest, size_t most, int base,
                    size_t* taken) {
  uint32_t number = 0;
  for (*taken = 0; *taken < most && !rest->empty(); ++*taken) {
    const int digit = DigitOf(rest->front());
    if (digit >= base) break;
    number = number * base + digit;
    rest->remove_prefix(1);
  }
  return number;
}

// The literal's inside and what it has been read to.
class Reader {
 public:
  Reader(absl::string_view rest, char quote, bool is_bytes)
      : rest_(rest), quote_(quote), is_bytes_(is_bytes) {}

  absl::StatusOr<std::string> ReadAll() {
    while (!rest_.empty()) RETURN_IF_ERROR(ReadOne());
    return result_;
  }

 private:
  absl::Status ReadOne() {
    if (rest_.front() == '\\') {
      rest_.remove_prefix(1);
      return ReadEscape();
    }
    if (rest_.front() == quote_) return Fault("a quote inside the literal");
    if (absl::ascii_iscntrl(rest_.front())) {
      return Fault("a control character inside the literal");
    }
    return ReadPlain();
  }

  // One character as it stands.
  absl::Status ReadPlain() {
    const auto* bytes = reinterpret_cast<const uint8_t*>(rest_.data());
    int32_t i = 0;
    UChar32 point = -1;
    U8_NEXT(bytes, i, static_cast<int32_t>(rest_.size()), point);
    if (point < 0) return Fault("text that is not UTF-8");
    if (is_bytes_ && point > 0x7f) return Fault("a raw byte past 0x7f in b''");
    result_.append(rest_.data(), i);
    rest_.remove_prefix(i);
    return absl::OkStatus();
  }

  absl::Status ReadEscape() {
    if (rest_.empty()) return Fault("a backslash at the end");
    const char c = rest_.front();
    constexpr absl::string_view kNames = "\\'\"abfnrtv";
    constexpr absl::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
    const size_t found = kNames.find(c);
    if (found != absl::string_view::npos) {
      rest_.remove_prefix(1);
      result_.push_back(kMeanings[found]);
      return absl::OkStatus();
    }
    size_t taken;
    if (c >= '0' && c <= '7') {
      return Append(TakeDigits(&rest_, 3, 8, &taken));
    }
    const size_t digits = c == 'x'                 ? 2
                          : c == 'u' && !is_bytes_ ? 4
                          : c == 'U' && !is_bytes_ ? 8
                                                   : 0;
    if (digits == 0) return Fault("an unknown escape");
    rest_.remove_prefix(1);
    const uint32_t number = TakeDigits(&rest_, digits, 16, &taken);
    if (taken != digits) return Fault("an escape with too few digits");
    return Append(number);
  }

  // A byte, or a code point as UTF-8.
  absl::Status Append(uint32_t number) {
    if (is_bytes_) {
      if (number > 0xff) return Fault("an escape past 0xff in b''");
      result_.push_back(static_cast<char>(number));
      return absl::OkStatus();
    }
    if (number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff)) {
      return Fault("an escape that is no character");
    }
    uint8_t encoded[4];
    int32_t count = 0;
    U8_APPEND_UNSAFE(encoded, count, number);
    result_.append(reinterpret_cast<const char*>(encoded), count);
    return absl::OkStatus();
  }

  absl::string_view rest_;
  const char quote_;
  const bool is_bytes_;
  std::string result_;
};

}  // namespace

absl::StatusOr<std::string> ParsePythonLiteral(absl::string_view literal) {
  const bool is_bytes = absl::ConsumePrefix(&literal, "b");
  if (literal.size() < 2 || literal.front() != literal.back() ||
      (literal.front() != '\'' && literal.front() != '"')) {
    return Fault("no Python literal: quotes missing");
  }
  return Reader(literal.substr(1, literal.size() - 2), literal.front(),
                is_bytes)
      .ReadAll();
}

}  // namespace oxbow
