#include "engine/testing/stored_streams.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "engine/measure_record.h"

namespace oxbow {

void PrintTo(const LogUnit& unit, std::ostream* out) {
  static const char* const kNames[] = {"byte ", "id ", "seam "};
  *out << kNames[static_cast<int>(unit.kind)] << unit.value << " to "
       << unit.end.byte_offset << "+" << unit.end.zero_byte_tokens;
}

StreamUid StoredStreams::Put(Stream stream) {
  const auto uid = store_.NewUid();
  OXBOW_CHECK_OK(uid.status());
  stream.record.uid = *uid;
  stream.record.tenant = "default";
  stream.record.name = absl::StrCat("s", *uid);
  StoreBatch batch;
  batch.put_streams.push_back(stream.record);
  OXBOW_CHECK_OK(store_.Write(batch, /*sync=*/true));
  streams_.emplace(*uid, std::move(stream));
  return *uid;
}

StreamUid StoredStreams::Create() { return Put(Stream()); }

StreamUid StoredStreams::Fork(StreamUid uid, Position position, bool seam) {
  Stream child;
  child.record.ancestry = View(uid).AncestryOfFork(position, seam);
  child.author = LogAuthor(position);
  for (const LogUnit& unit : Units(uid)) {
    if (unit.end <= position) child.units.push_back(unit);
  }
  // A second seam at one place is none.
  const LogUnit mark{LogUnit::Kind::kSeam, 0, position};
  const bool there = !child.units.empty() && child.units.back() == mark;
  if (seam && !there) child.units.push_back(mark);
  return Put(std::move(child));
}

void StoredStreams::Append(StreamUid uid, const LogRecord& record) {
  StoreBatch batch;
  batch.appends.push_back({uid, record});
  OXBOW_CHECK_OK(store_.Write(batch, /*sync=*/true));
}

void StoredStreams::AppendText(StreamUid uid, const std::string& text) {
  Stream& stream = streams_.at(uid);
  Position at = stream.author.end();
  for (unsigned char byte : text) {
    at = {at.byte_offset + 1, 0};
    stream.units.push_back({LogUnit::Kind::kByte, byte, at});
  }
  Append(uid, stream.author.Text(text));
}

void StoredStreams::AppendIds(StreamUid uid, const std::vector<int>& ids) {
  Stream& stream = streams_.at(uid);
  Position at = stream.author.end();
  for (int id : ids) {
    at = AfterId(tokenizer_, at, id);
    stream.units.push_back({LogUnit::Kind::kId, id, at});
  }
  LogRecord measured;
  measured.ids = ids;
  MeasureRecord(tokenizer_, &measured);
  Append(uid, stream.author.Tokens(ids, measured.byte_length,
                                   measured.zero_byte_tokens_at_end));
}

void StoredStreams::PutCheckpoint(StreamUid uid, uint64_t token_offset,
                                  Position position,
                                  const std::vector<Savepoint>& savepoints) {
  Checkpoint checkpoint;
  checkpoint.header.uid = uid;
  checkpoint.header.reader = "generator";
  checkpoint.header.token_offset = token_offset;
  checkpoint.header.position = position;
  checkpoint.header.savepoints = savepoints;
  checkpoint.state = "state";
  StoreBatch batch;
  batch.put_checkpoints.push_back(std::move(checkpoint));
  OXBOW_CHECK_OK(store_.Write(batch, /*sync=*/true));
}

std::vector<FedToken> StoredStreams::Decided(StreamUid uid) const {
  TokenFeed feed(&tokenizer_, Position{});
  for (const LogUnit& unit : Units(uid)) {
    switch (unit.kind) {
      case LogUnit::Kind::kByte:
        feed.AddText(std::string(1, static_cast<char>(unit.value)));
        break;
      case LogUnit::Kind::kId:
        feed.AddIds({unit.value});
        break;
      case LogUnit::Kind::kSeam:
        feed.AddSeam();
        break;
    }
  }
  return feed.Take(feed.decided().size());
}

}  // namespace oxbow
