#include "engine/read_text.h"

#include <algorithm>
#include <vector>

#include "base/status_macros.h"

namespace oxbow {

absl::StatusOr<std::string> ReadTextSpan(StreamStore& store,
                                         const Tokenizer& tokenizer,
                                         const LogView& view,
                                         uint64_t from_byte, uint64_t to_byte,
                                         size_t bytes_max) {
  std::string text;
  if (to_byte - from_byte > bytes_max) to_byte = from_byte + bytes_max;
  LogPlace place = view.Begin(Position{from_byte, 0});
  while (text.size() < to_byte - from_byte) {
    ASSIGN_OR_RETURN(const std::vector<LogEvent> events,
                     ReadEvents(store, tokenizer, view, IdsAre::kText,
                                Position{to_byte, 0}, bytes_max, &place));
    if (events.empty()) break;
    for (const LogEvent& event : events) text += event.text;
  }
  return text;
}

}  // namespace oxbow
