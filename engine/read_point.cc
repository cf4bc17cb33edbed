#include "engine/read_point.h"

#include <algorithm>

#include "absl/base/internal/endian.h"

namespace oxbow {
namespace {

Digest Chained(const Digest& chain, int id) {
  char bytes[36];
  std::copy(chain.begin(), chain.end(), bytes);
  absl::little_endian::Store32(bytes + 32, id);
  return Sha256(absl::string_view(bytes, sizeof(bytes)));
}

}  // namespace

ReadPoint ReadPoint::Begin(const Reader& reader, const LogView& view) {
  ReadPoint point{
      TokenFeed(&reader.tokenizer(), view.begin(), view.LeadOf(reader.name())),
      view.Begin(view.begin())};
  point.position = view.begin();
  point.id_chain = reader.id();
  return point;
}

ReadPoint ReadPoint::Behind(const Reader& reader, const LogView& view,
                            const CheckpointHeader& header) {
  ReadPoint point{TokenFeed(&reader.tokenizer(), header.position),
                  view.Begin(header.position)};
  point.token_offset = point.unit_end_token = header.token_offset;
  point.position = header.position;
  point.id_chain = header.id_chain;
  return point;
}

size_t ReadPoint::RunLength(size_t tokens_max, uint64_t border_tokens) const {
  const std::deque<FedToken>& decided = feed.decided();
  size_t count = std::min(decided.size(), tokens_max);
  if (border_tokens > 0) {
    const uint64_t border =
        (unit_end_token / border_tokens + 1) * border_tokens;
    const uint64_t left = border > token_offset ? border - token_offset : 1;
    count = std::min<uint64_t>(count, left);
  }
  // The feed decides whole units: one of the tokens ends this one.
  while (!decided[count - 1].ends_unit) ++count;
  return count;
}

bool ReadPoint::Pass(absl::Span<const FedToken> tokens,
                     uint64_t border_tokens) {
  const uint64_t unit_end_before = unit_end_token;
  for (const FedToken& token : tokens) {
    id_chain = Chained(id_chain, token.id);
    ++token_offset;
    if (!token.ends_unit) continue;
    position = token.end;
    unit_end_token = token_offset;
  }
  return border_tokens > 0 &&
         unit_end_before / border_tokens != unit_end_token / border_tokens;
}

void ReadPoint::PassLead(absl::Span<const int> ids) {
  for (int id : ids) id_chain = Chained(id_chain, id);
}

}  // namespace oxbow
