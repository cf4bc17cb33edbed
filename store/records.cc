#include "store/records.h"

#include "base/sha256.h"

namespace oxbow {

Digest ChainDigest(const Digest& previous, const LogRecord& record) {
  Sha256Hasher hasher;
  hasher.Add(AsBytes(previous));
  hasher.AddNumber(record.kind == LogRecord::Kind::kText ? 0 : 1);
  hasher.AddNumber(record.begin.byte_offset);
  hasher.AddNumber(record.begin.zero_byte_tokens);
  hasher.AddNumber(record.sequence);
  hasher.AddSized(record.text);
  hasher.AddNumber(record.ids.size());
  for (int id : record.ids) hasher.AddNumber(static_cast<uint64_t>(id));
  hasher.AddNumber(record.byte_length);
  hasher.AddNumber(record.zero_byte_tokens_at_end);
  return hasher.Finish();
}

}  // namespace oxbow
