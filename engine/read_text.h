// A stream's bytes back, any span.
#ifndef OXBOW_ENGINE_READ_TEXT_H_
#define OXBOW_ENGINE_READ_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "engine/log_view.h"
#include "engine/tokenizer/tokenizer.h"
#include "store/stream_store.h"

namespace oxbow {

// Up to `bytes_max` bytes from `from_byte` on, not past `to_byte`, which lies
// at or before the durable end; at least one unless the span is empty. Ids
// give the bytes of their pieces. Blocks on the store.
absl::StatusOr<std::string> ReadTextSpan(StreamStore& store,
                                         const Tokenizer& tokenizer,
                                         const LogView& view,
                                         uint64_t from_byte, uint64_t to_byte,
                                         size_t bytes_max);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_READ_TEXT_H_
