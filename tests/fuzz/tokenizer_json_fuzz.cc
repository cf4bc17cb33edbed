#include "base/check.h"
#include "engine/tokenizer/bpe_tokenizer.h"
#include "engine/tokenizer/tokenizer_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto spec = oxbow::ParseTokenizerJson(
      absl::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
  if (!spec.ok()) {
    OXBOW_CHECK(!spec.status().message().empty());
    return 0;
  }
  // What is taken can be used.
  const auto tokenizer = oxbow::NewBpeTokenizer("fuzz", *std::move(spec));
  const std::string text = "the world's  \n\n e\u0301 \xff <|pad|>[x] 123";
  for (int id : oxbow::Tokenize(*tokenizer, text)) {
    OXBOW_CHECK(id >= 0 && id < tokenizer->id_end()) << id;
  }
  return 0;
}
