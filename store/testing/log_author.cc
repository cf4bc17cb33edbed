#include "store/testing/log_author.h"

#include <utility>

namespace oxbow {

LogRecord LogAuthor::Text(const std::string& text) {
  LogRecord record;
  record.kind = LogRecord::Kind::kText;
  record.text = text;
  record.byte_length = text.size();
  return Finish(std::move(record));
}

LogRecord LogAuthor::Tokens(std::vector<int> ids, uint64_t byte_length,
                            uint64_t zero_byte_tokens_at_end) {
  LogRecord record;
  record.kind = LogRecord::Kind::kTokens;
  record.ids = std::move(ids);
  record.byte_length = byte_length;
  record.zero_byte_tokens_at_end = zero_byte_tokens_at_end;
  record.provenance = "made by LogAuthor";
  return Finish(std::move(record));
}

LogRecord LogAuthor::Finish(LogRecord record) {
  record.begin = end_;
  record.sequence = next_sequence_++;
  record.chain = ChainDigest(chain_, record);
  chain_ = record.chain;
  end_ = record.End();
  return record;
}

}  // namespace oxbow
