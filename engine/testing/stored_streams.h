// Streams and forks written straight into a store, for tests of what reads
// them.
#ifndef OXBOW_ENGINE_TESTING_STORED_STREAMS_H_
#define OXBOW_ENGINE_TESTING_STORED_STREAMS_H_

#include <map>
#include <string>
#include <vector>

#include "engine/log_view.h"
#include "engine/testing/piece_tokenizer.h"
#include "store/memory_store.h"
#include "store/testing/log_author.h"

namespace oxbow {

// One element of a log, as simply as it can be said.
struct LogUnit {
  enum class Kind { kByte, kId, kSeam };
  Kind kind = Kind::kByte;
  int value = 0;  // the byte or the id; 0 for a seam
  Position end;

  friend bool operator==(const LogUnit& a, const LogUnit& b) {
    return a.kind == b.kind && a.value == b.value && a.end == b.end;
  }
};
void PrintTo(const LogUnit& unit, std::ostream* out);

// A memory store and, beside it, what each of its logs should hold.
// Thread-compatible.
class StoredStreams {
 public:
  explicit StoredStreams(const std::vector<std::string>& pieces)
      : tokenizer_(pieces) {}

  StreamUid Create();
  void AppendText(StreamUid uid, const std::string& text);
  void AppendIds(StreamUid uid, const std::vector<int>& ids);
  // A stream that shares the beginning of `uid` up to `position`, where a
  // unit ends.
  StreamUid Fork(StreamUid uid, Position position, bool seam);
  // Stores the state "state" of the generator at a token's end.
  void PutCheckpoint(StreamUid uid, uint64_t token_offset, Position position,
                     const std::vector<Savepoint>& savepoints = {});

  StreamStore& store() { return store_; }
  const PieceTokenizer& tokenizer() const { return tokenizer_; }
  LogView View(StreamUid uid) const { return LogView(At(uid).record); }
  Position End(StreamUid uid) const { return At(uid).author.end(); }
  const std::vector<LogUnit>& Units(StreamUid uid) const {
    return At(uid).units;
  }
  // Decided tokens of the whole log.
  std::vector<FedToken> Decided(StreamUid uid) const;

 private:
  struct Stream {
    StreamRecord record;
    LogAuthor author;
    std::vector<LogUnit> units;
  };

  const Stream& At(StreamUid uid) const { return streams_.at(uid); }
  void Append(StreamUid uid, const LogRecord& record);
  StreamUid Put(Stream stream);

  const PieceTokenizer tokenizer_;
  MemoryStore store_;
  std::map<StreamUid, Stream> streams_;
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TESTING_STORED_STREAMS_H_
