// How far a reader has come in a log: all but the model's state.
#ifndef OXBOW_ENGINE_READ_POINT_H_
#define OXBOW_ENGINE_READ_POINT_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "engine/log_view.h"
#include "engine/reader.h"
#include "engine/token_feed.h"
#include "store/records.h"

namespace oxbow {

// A value: whoever looks ahead of a cursor begins with a copy. Tokens come from
// the feed and are passed in order. Thread-compatible. Borrows the reader's
// tokenizer.
struct ReadPoint {
  // At the view's beginning, nothing read.
  static ReadPoint Begin(const Reader& reader, const LogView& view);
  // Behind a checkpoint's tokens.
  static ReadPoint Behind(const Reader& reader, const LogView& view,
                          const CheckpointHeader& header);

  TokenFeed feed;
  LogPlace place;  // what the feed has been given
  // The tokens passed, and where the last unit ends that they hold whole: their
  // end, if at_unit_end().
  uint64_t token_offset = 0;
  uint64_t unit_end_token = 0;  // the last end of a unit, at position
  Position position;
  // Of the ids passed, the lead's included: SHA-256 over the chain before and
  // the id, little-endian; begins with the reader's id.
  Digest id_chain{};

  // Whether the text may be cut here.
  bool at_unit_end() const { return token_offset == unit_end_token; }
  // How many decided tokens (at least one is) to take so that no more than
  // `tokens_max` and whole units are, and none behind the first end of a unit
  // at or behind a multiple of `border_tokens`; 0: no such border.
  size_t RunLength(size_t tokens_max, uint64_t border_tokens) const;
  // Passes tokens taken from the feed. Whether a unit ended at or behind a
  // border that the unit before it did not reach.
  bool Pass(absl::Span<const FedToken> tokens, uint64_t border_tokens);
  // Passes ids of the lead.
  void PassLead(absl::Span<const int> ids);
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_READ_POINT_H_
