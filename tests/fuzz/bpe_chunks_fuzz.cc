// Tokens do not depend on how text is cut, and a text may be cut where a unit
// ends. The first byte of the input says where chunks end, the rest is text.
#include <vector>

#include "base/check.h"
#include "engine/tokenizer/bpe_tokenizer.h"
#include "engine/tokenizer/testing/small_bpe.h"
#include "engine/tokenizer/tokenizer_json.h"

namespace oxbow {
namespace {

const Tokenizer& SmallTokenizer() {
  static const Tokenizer* const kTokenizer = [] {
    auto spec = ParseTokenizerJson(SmallBpe().dump(), "small");
    OXBOW_CHECK_OK(spec.status());
    return NewBpeTokenizer("small", *std::move(spec)).release();
  }();
  return *kTokenizer;
}

std::vector<int> IdsOf(const std::vector<TextToken>& tokens) {
  std::vector<int> ids;
  for (const TextToken& token : tokens) ids.push_back(token.id);
  return ids;
}

void CheckChunks(absl::string_view text, size_t chunk,
                 const std::vector<int>& whole) {
  const Tokenizer& tokenizer = SmallTokenizer();
  std::vector<TextToken> tokens;
  size_t begin = 0;
  for (size_t end = 0; end < text.size();) {
    end = std::min(end + chunk, text.size());
    const auto next = [&](bool is_end) {
      return tokenizer.Next(text.substr(begin, end - begin), is_end, &tokens);
    };
    while (const int bytes = next(/*is_end=*/false)) begin += bytes;
    OXBOW_CHECK(static_cast<int>(end - begin) < tokenizer.longest_piece());
    if (end < text.size()) continue;
    while (const int bytes = next(/*is_end=*/true)) begin += bytes;
  }
  OXBOW_CHECK(begin == text.size());
  OXBOW_CHECK(IdsOf(tokens) == whole);
}

void CheckCuts(absl::string_view text, const std::vector<int>& whole) {
  const Tokenizer& tokenizer = SmallTokenizer();
  std::vector<TextToken> tokens;
  size_t end = 0;
  while (const int bytes = tokenizer.Next(text.substr(end), true, &tokens)) {
    end += bytes;
    std::vector<int> ids = Tokenize(tokenizer, text.substr(0, end));
    OXBOW_CHECK(ids == IdsOf(tokens));
    OXBOW_CHECK(std::equal(ids.begin(), ids.end(), whole.begin()));
  }
}

}  // namespace
}  // namespace oxbow

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view text(reinterpret_cast<const char*>(data) + 1,
                               size - 1);
  const std::vector<int> whole = oxbow::Tokenize(oxbow::SmallTokenizer(), text);
  oxbow::CheckChunks(text, 1 + data[0], whole);
  if (text.size() < 150) oxbow::CheckCuts(text, whole);
  return 0;
}
