#include "engine/tokenizer/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "unicode/utf8.h"

namespace oxbow {
namespace {

constexpr UChar32 kPointsEnd = 0x100 + 68;

bool StandsForItself(int byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
}

// By character: its byte, or -1.
std::array<int16_t, kPointsEnd> MakeBytes() {
  std::array<int16_t, kPointsEnd> bytes;
  bytes.fill(-1);
  UChar32 point = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    bytes[StandsForItself(byte) ? byte : point++] = static_cast<int16_t>(byte);
  }
  return bytes;
}

}  // namespace

absl::optional<std::string> BytesOfPiece(absl::string_view piece) {
  static const auto kBytes = MakeBytes();
  const auto* text = reinterpret_cast<const uint8_t*>(piece.data());
  const auto size = static_cast<int32_t>(piece.size());
  std::string bytes;
  for (int32_t i = 0; i < size;) {
    UChar32 point;
    U8_NEXT(text, i, size, point);
    if (point < 0 || point >= kPointsEnd || kBytes[point] < 0) {
      return absl::nullopt;
    }
    bytes.push_back(static_cast<char>(kBytes[point]));
  }
  return bytes;
}

}  // namespace oxbow
