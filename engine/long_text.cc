#include "engine/long_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "engine/error_reason.h"

namespace oxbow {
namespace {

constexpr int kContextMax = 1 << 16;
constexpr int kChunksMax = 256;
constexpr int kContextsMax = 8;

using Ids = absl::Span<const int>;

// Part number `part` of those of ceil(n / parts).
Ids PartOf(Ids ids, int parts, int part) {
  const size_t size = (ids.size() + parts - 1) / parts;
  return ids.subspan(std::min(part * size, ids.size()), size);
}

class Writer {
 public:
  explicit Writer(int end_of_text) : end_of_text_(end_of_text) {}

  void AddProbed(Ids ids) {
    text_.tokens.insert(text_.tokens.end(), ids.begin(), ids.end());
    text_.ends.push_back(static_cast<int>(text_.tokens.size()));
    text_.tokens.push_back(end_of_text_);
  }
  void AddPieces(Ids ids, int pieces) {
    for (int i = 0; i < pieces; ++i) AddProbed(PartOf(ids, pieces, i));
  }
  ProbedText Take() { return std::move(text_); }

 private:
  const int end_of_text_;
  ProbedText text_;
};

}  // namespace

absl::Status CheckLongText(const LongText& long_text) {
  const int context = long_text.context_tokens, chunk = long_text.chunk_tokens;
  if (context >= 1 && context <= kContextMax && chunk >= 1 &&
      chunk <= context && context / chunk <= kChunksMax) {
    return absl::OkStatus();
  }
  return WithReason(absl::InvalidArgumentError(absl::StrCat(
                        "a context of ", context, " tokens in chunks of ",
                        chunk, ": a context has 1 to ", kContextMax,
                        " tokens and 1 to ", kChunksMax, " chunks")),
                    "BAD_COUNT");
}

ProbedText ProbeLongText(const std::vector<int>& ids, const LongText& long_text,
                         int end_of_text) {
  const int context = long_text.context_tokens, chunk = long_text.chunk_tokens;
  const int ends = context / chunk;
  const Ids taken = Ids(ids).subspan(0, size_t{kContextsMax} * context);
  const int count = static_cast<int>(taken.size());
  Writer writer(end_of_text);
  if (count < chunk) {
    for (int i = 0; i < ends; ++i) writer.AddProbed(taken);
    return writer.Take();
  }
  const int parts =
      count <= context - ends ? 1 : (count + context - 1) / context;
  for (int i = 0; i < parts; ++i) {
    writer.AddPieces(PartOf(taken, parts, i), ends);
  }
  return writer.Take();
}

}  // namespace oxbow
