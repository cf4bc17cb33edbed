#include "engine/tokenizer/testing/small_bpe.h"

#include <fstream>
#include <sstream>
#include <vector>

#include "base/check.h"
#include "unicode/utf8.h"

namespace oxbow {
namespace {

using Json = nlohmann::json;

// In the alphabet of byte-level BPE (U+0120 is a space, U+010A a new line).
constexpr char kMerges[] = R"(
  Ġ t|h e|Ġ a|i n|r e|o n|Ġt he|Ġ w|e r|Ġ s|n d|Ġa nd|l l|' s|' ll|o r|Ġw or
  l d|Ġwor ld|in g|t he|Ċ Ċ|ĊĊ ĊĊ|Ġ Ġ|ĠĠ ĠĠ|) '|! !|!! !!|a a|aa aa|aaaa aaaa
  1 2|12 3|. .|Ġ '|ä ½|ä½ ł|å ¥|ð Ł|ðŁ ĺ|ðŁĺ Ģ|Ã ©|Ì ģ|Ì £|ï ¿|ï¿ ½|ì ķ|ê °
  ê° Ģ|Ã ¡|Âł Âł|Â ł|á Ħ|áĦ Ĵ|c a|ca t|a t|c at|s t|' st|t t|Ġ x|x x|Ġx x
)";

std::string Utf8(UChar32 point) {
  uint8_t bytes[4];
  int32_t count = 0;
  U8_APPEND_UNSAFE(bytes, count, point);
  return std::string(reinterpret_cast<const char*>(bytes), count);
}

bool StandsForItself(int byte) {
  return (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte != 0xad);
}

// The characters of the bytes that occur in UTF-8, in the bytes' order.
std::vector<std::string> Alphabet() {
  std::vector<std::string> alphabet;
  UChar32 next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const UChar32 point = StandsForItself(byte) ? byte : next++;
    const bool occurs = byte != 0xc0 && byte != 0xc1 && byte < 0xf5;
    if (occurs) alphabet.push_back(Utf8(point));
  }
  return alphabet;
}

std::vector<std::string> Merges() {
  std::vector<std::string> merges;
  std::string line;
  std::istringstream lines(kMerges);
  while (std::getline(lines, line)) {
    line.erase(0, line.find_first_not_of(' '));
    std::istringstream in(line);
    std::string merge;
    while (std::getline(in, merge, '|')) merges.push_back(merge);
  }
  return merges;
}

Json Added(int id, const std::string& content, bool special, bool normalized) {
  return {{"id", id},
          {"content", content},
          {"special", special},
          {"lstrip", false},
          {"rstrip", false},
          {"single_word", false},
          {"normalized", normalized}};
}

}  // namespace

Json SmallBpe() {
  Json vocabulary = {{"<|endoftext|>", 0}, {"<|pad|>", 1}};
  for (const std::string& character : Alphabet()) {
    vocabulary[character] = vocabulary.size();
  }
  Json merges = Json::array();
  for (const std::string& merge : Merges()) {
    std::string token = merge;
    token.erase(token.find(' '), 1);
    if (!vocabulary.contains(token)) vocabulary[token] = vocabulary.size();
    merges.push_back(merge);
  }
  int next = static_cast<int>(vocabulary.size());
  Json added = {Added(0, "<|endoftext|>", true, false),
                Added(1, "<|pad|>", true, false)};
  for (int spaces = 6; spaces >= 2; --spaces) {
    added.push_back(Added(next++, std::string(spaces, ' '), false, true));
  }
  added.push_back(Added(next++, "e\xcc\x81!", false, true));
  added.push_back(Added(next++, "[x]", false, false));
  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", {{"type", "NFC"}}},
          {"pre_tokenizer", byte_level},
          {"post_processor", byte_level},
          {"decoder", byte_level},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", vocabulary},
            {"merges", merges}}}};
}

std::string WriteSmallBpe(const std::string& path) {
  std::ofstream file(path);
  file << SmallBpe().dump();
  OXBOW_CHECK(file.flush().good()) << path;
  return path;
}

}  // namespace oxbow
