#include "store/describe_store.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "store/encode_records.h"
#include "store/keys.h"
#include "store/log_page.h"
#include "store/open_rocks_db.h"
#include "store/rocks_log.h"
#include "store/rocks_view.h"

namespace oxbow {
namespace {

constexpr size_t kPreviewBytes = 48;

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kPreviewBytes)),
                      text.size() > kPreviewBytes ? "\"..." : "\"");
}

std::string ToText(const Position& position) {
  if (position.zero_byte_tokens == 0) {
    return absl::StrCat(position.byte_offset);
  }
  return absl::StrCat(position.byte_offset, "+", position.zero_byte_tokens);
}

std::string Short(const Digest& digest) { return ToHex(digest).substr(0, 12); }

// One look at one store.
class Description {
 public:
  Description(RocksDb* db, const DescribeOptions& options, std::ostream* out)
      : db_(db), options_(options), out_(*out) {}

  void All();
  absl::Status One();

  bool damaged() const { return damaged_; }

 private:
  // Calls `show` with each key and value; what it cannot read is damaged.
  void Each(Family family, KeyRange range,
            const std::function<absl::Status(absl::string_view,
                                             absl::string_view)>& show);
  void Note(const absl::Status& status);
  void Ancestry(const StreamRecord& stream);
  void Log(StreamUid uid);
  void Checkpoints(StreamUid uid);
  void Embeddings(StreamUid uid);

  RocksDb* const db_;
  const DescribeOptions& options_;
  std::ostream& out_;
  bool damaged_ = false;
};

void Description::Note(const absl::Status& status) {
  if (status.ok()) return;
  damaged_ = true;
  out_ << "DAMAGED: " << status.message() << "\n";
}

void Description::Each(
    Family family, KeyRange range,
    const std::function<absl::Status(absl::string_view, absl::string_view)>&
        show) {
  RocksRange values = db_->Range(family, std::move(range));
  for (values.First(); values.Valid(); values.Next()) {
    Note(show(values.key(), values.value()));
  }
  Note(values.status());
}

void Description::All() {
  out_ << "format " << kStoreFormat << "\n";
  Each(Family::kMeta, AllStreams(),
       [this](absl::string_view key, absl::string_view value) -> absl::Status {
         ASSIGN_OR_RETURN(const StreamRecord stream, DecodeStream(key, value));
         ASSIGN_OR_RETURN(const absl::optional<LogRecord> last,
                          LastLogRecord(*db_, stream.uid));
         Position end;
         if (!stream.ancestry.empty()) end = stream.ancestry.back().end;
         if (last) end = last->End();
         out_ << "stream " << Quoted(stream.tenant) << " "
              << Quoted(stream.name) << " uid " << stream.uid << " epoch "
              << stream.epoch << " end " << ToText(end) << " records "
              << (last ? last->sequence + 1 : 0) << " ancestors "
              << stream.ancestry.size() << " expires "
              << absl::FormatTime(stream.expires, absl::UTCTimeZone()) << "\n";
         return absl::OkStatus();
       });
  Each(Family::kMeta, AllUnowned(),
       [this](absl::string_view key, absl::string_view value) -> absl::Status {
         ASSIGN_OR_RETURN(const StreamUid uid, UidOfMetaKey(key));
         ASSIGN_OR_RETURN(const absl::optional<absl::Time> deleted,
                          DecodeUnowned(key, value));
         out_ << "unowned uid " << uid << ", "
              << (deleted ? absl::StrCat(
                                "deleted ",
                                absl::FormatTime(*deleted, absl::UTCTimeZone()))
                          : "never a stream")
              << "\n";
         return absl::OkStatus();
       });
}

void Description::Ancestry(const StreamRecord& stream) {
  for (const auto& label : stream.labels) {
    out_ << "label " << Quoted(label.first) << " = " << Quoted(label.second)
         << "\n";
  }
  for (const auto& model : stream.model_ids) {
    out_ << "model of " << Quoted(model.first) << " " << ToHex(model.second)
         << "\n";
  }
  for (const Segment& segment : stream.ancestry) {
    out_ << "shares uid " << segment.uid << " up to " << ToText(segment.end)
         << (segment.seam_at_end ? ", a seam" : "") << "\n";
  }
}

void Description::Log(StreamUid uid) {
  absl::StatusOr<absl::optional<LogRecord>> last = LastLogRecord(*db_, uid);
  Note(last.status());
  const uint64_t count = last.ok() && *last ? (*last)->sequence + 1 : 0;
  const uint64_t shown = std::min<uint64_t>(count, options_.records_max);
  out_ << count << " records, the last " << shown << ":\n";
  LogPage page(~size_t{0});
  Each(Family::kLog, AllOf(uid),
       [&](absl::string_view key, absl::string_view value) -> absl::Status {
         ASSIGN_OR_RETURN(LogRecord record, DecodeLogRecord(key, value));
         if (record.sequence + shown < count) return absl::OkStatus();
         out_ << "  " << record.sequence << " at " << ToText(record.begin)
              << " epoch " << record.epoch << " chain " << Short(record.chain);
         if (record.kind == LogRecord::Kind::kText) {
           out_ << " text " << record.text.size() << " " << Quoted(record.text)
                << "\n";
         } else {
           out_ << " ids " << record.ids.size() << " of " << record.byte_length
                << " bytes\n";
         }
         return page.Add(std::move(record));
       });
}

void Description::Checkpoints(StreamUid uid) {
  out_ << "checkpoints:\n";
  Each(Family::kCheckpoint, AllOf(uid),
       [&](absl::string_view key, absl::string_view value) -> absl::Status {
         ASSIGN_OR_RETURN(const StoredCheckpoint stored,
                          DecodeCheckpoint(key, value));
         const CheckpointHeader& header = stored.header;
         out_ << "  " << header.reader << " token " << header.token_offset
              << " byte " << ToText(header.position) << " state "
              << stored.state_bytes << " bytes, layout " << header.layout_id
              << " numerics " << header.numerics_id << " model "
              << Short(header.model_id);
         for (const Savepoint& savepoint : header.savepoints) {
           out_ << " savepoint " << Quoted(savepoint.label);
         }
         ASSIGN_OR_RETURN(const absl::optional<std::string> state,
                          db_->Get(Family::kState, key));
         const bool whole = state && Sha256(*state) == stored.state_sha256;
         out_ << (whole ? "" : " DAMAGED") << "\n";
         if (!whole) damaged_ = true;
         return absl::OkStatus();
       });
}

void Description::Embeddings(StreamUid uid) {
  uint64_t count = 0;
  uint64_t end = 0;
  Each(Family::kEmbedding, AllOf(uid),
       [&](absl::string_view key, absl::string_view value) -> absl::Status {
         ASSIGN_OR_RETURN(const EmbeddingRecord embedding,
                          DecodeEmbedding(key, value));
         ++count;
         end = embedding.token_end;
         return absl::OkStatus();
       });
  out_ << count << " embeddings, up to token " << end << "\n";
}

absl::Status Description::One() {
  ASSIGN_OR_RETURN(const absl::optional<StreamUid> uid,
                   ReadNameOwner(*db_, options_.tenant, options_.stream));
  if (!uid) {
    return absl::NotFoundError(
        absl::StrCat("There is no stream ", Quoted(options_.stream),
                     " of the tenant ", Quoted(options_.tenant), "."));
  }
  ASSIGN_OR_RETURN(const absl::optional<StreamRecord> stream,
                   ReadStream(*db_, *uid));
  if (stream) Ancestry(*stream);
  Log(*uid);
  Checkpoints(*uid);
  Embeddings(*uid);
  return absl::OkStatus();
}

}  // namespace

absl::Status DescribeStore(const DescribeOptions& options, std::ostream& out) {
  RocksStoreOptions rocks;
  rocks.path = options.path;
  ASSIGN_OR_RETURN(const std::unique_ptr<RocksDb> db, OpenRocksDbToRead(rocks));
  Description description(db.get(), options, &out);
  if (options.stream.empty()) {
    description.All();
  } else {
    RETURN_IF_ERROR(description.One());
  }
  if (!description.damaged()) return absl::OkStatus();
  return absl::DataLossError("Some of the store is damaged.");
}

}  // namespace oxbow
