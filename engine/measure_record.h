// How far ids carry a position.
#ifndef OXBOW_ENGINE_MEASURE_RECORD_H_
#define OXBOW_ENGINE_MEASURE_RECORD_H_

#include "engine/tokenizer/tokenizer.h"
#include "store/records.h"

namespace oxbow {

// The position behind one id that stands at `at`: past its bytes, or, for an
// id of none, one more token at the same byte.
inline Position AfterId(const Tokenizer& tokenizer, Position at, int id) {
  const size_t bytes = tokenizer.Piece(id).size();
  if (bytes > 0) return {at.byte_offset + bytes, 0};
  return {at.byte_offset, at.zero_byte_tokens + 1};
}

// Fills in byte_length and zero_byte_tokens_at_end from text or ids.
inline void MeasureRecord(const Tokenizer& tokenizer, LogRecord* record) {
  Position end;
  for (int id : record->ids) end = AfterId(tokenizer, end, id);
  record->byte_length = record->text.size() + end.byte_offset;
  record->zero_byte_tokens_at_end = end.zero_byte_tokens;
}

}  // namespace oxbow

#endif  // OXBOW_ENGINE_MEASURE_RECORD_H_
