#include "store/verify_data.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "store/encode_records.h"
#include "store/keys.h"
#include "store/log_page.h"

namespace oxbow {
namespace {

std::string KeyText(absl::string_view key) {
  return absl::BytesToHexString(key.substr(0, 64));
}

// The log family, in the order of uids and offsets.
class LogLook {
 public:
  explicit LogLook(VerifyPass* pass) : pass_(*pass) {}

  void See(absl::string_view key, absl::string_view value);

 private:
  // Checks a whole record against its key, its log and its stream.
  void SeeRecord(StreamUid uid, absl::string_view key, LogRecord record,
                 UidFacts* facts);
  void SeeFirst(const LogRecord& record, absl::string_view where,
                const UidFacts& facts);

  VerifyPass& pass_;
  StreamUid uid_ = 0;
  // The record before, of the same uid; nullopt: none, or it is damaged.
  absl::optional<LogRecord> before_;
  bool is_first_ = true;  // no record of the uid was seen, whole or not
};

void LogLook::SeeFirst(const LogRecord& record, absl::string_view where,
                       const UidFacts& facts) {
  if (record.sequence != 0) {
    pass_.Find(absl::StrCat(where, ": the log begins with its record ",
                            record.sequence, "; those before are missing."));
  } else if (facts.own_begin && *facts.own_begin != record.begin) {
    pass_.Find(absl::StrCat(where,
                            ": the log begins there, but the stream's "
                            "ancestry ends at byte ",
                            facts.own_begin->byte_offset, "."));
  }
}

void LogLook::SeeRecord(StreamUid uid, absl::string_view key, LogRecord record,
                        UidFacts* facts) {
  const std::string where =
      absl::StrCat("The log of ", pass_.NameOf(uid), ", byte ",
                   record.begin.byte_offset, ", record ", record.sequence);
  if (LogKey(uid, record.begin.byte_offset, record.sequence) != key) {
    pass_.Find(absl::StrCat(where, ": it stands under another's key."));
  }
  if (is_first_) SeeFirst(record, where, *facts);
  if (is_first_ || before_) {
    pass_.FindError(where, CheckFollows(before_ ? &*before_ : nullptr, record));
  }
  if (!facts->log_begin) facts->log_begin = record.begin;
  facts->log_end = record.End();
  ++pass_.report().log_records;
  pass_.report().log_bytes += record.byte_length;
  before_ = std::move(record);
}

void LogLook::See(absl::string_view key, absl::string_view value) {
  const absl::StatusOr<StreamUid> uid = UidOfKey(key);
  if (!uid.ok()) return pass_.FindError("Family log", uid.status());
  if (*uid != uid_) {
    uid_ = *uid;
    before_.reset();
    is_first_ = true;
  }
  UidFacts* facts = pass_.OwnerOf(*uid, Family::kLog, key);
  absl::StatusOr<LogRecord> record = DecodeLogRecord(key, value);
  if (!record.ok()) {
    before_.reset();
    const absl::StatusOr<uint64_t> offset = OffsetOfKey(key);
    pass_.FindError(
        absl::StrCat("The log of ", pass_.NameOf(*uid),
                     offset.ok() ? absl::StrCat(", byte ", *offset)
                                 : absl::StrCat(", key ", KeyText(key))),
        record.status());
  } else if (facts != nullptr) {
    SeeRecord(*uid, key, *std::move(record), facts);
  }
  is_first_ = false;
}

// Whether a place lies past all that the uid's log holds. A uid without any
// log of its own is an import's, or a stream that still is its ancestry.
bool IsPastLog(const Position& position, const UidFacts& facts) {
  if (facts.log_end) return *facts.log_end < position;
  return facts.own_begin && *facts.own_begin < position;
}

// Checkpoints and, in step with them, their states: both families have the
// same keys, and a state is megabytes, to be read once.
class CheckpointLook {
 public:
  explicit CheckpointLook(VerifyPass* pass)
      : pass_(*pass), states_(pass->db().Range(Family::kState, AllKeys())) {
    states_.First();
  }

  void See(absl::string_view key, absl::string_view value);
  // What is left of the states has no checkpoint.
  void Finish();

 private:
  // Passes over states before `key`, which have no checkpoint.
  void PassStates(absl::string_view key);
  void CheckState(absl::string_view key, const StoredCheckpoint* stored,
                  absl::string_view where);

  VerifyPass& pass_;
  RocksRange states_;
};

void CheckpointLook::PassStates(absl::string_view key) {
  for (; states_.Valid() && states_.key() < key; states_.Next()) {
    const absl::StatusOr<StreamUid> uid = UidOfKey(states_.key());
    pass_.Count(Family::kState, states_.value().size());
    pass_.Find(absl::StrCat(
        "A state of ", uid.ok() ? pass_.NameOf(*uid) : "no uid", ", key ",
        KeyText(states_.key()), ": no checkpoint belongs to it."));
  }
}

void CheckpointLook::CheckState(absl::string_view key,
                                const StoredCheckpoint* stored,
                                absl::string_view where) {
  PassStates(key);
  if (!states_.status().ok()) {
    pass_.FindError(absl::StrCat(where, ", its state"), states_.status());
    states_.AtOrAfter(absl::StrCat(key, absl::string_view("\0", 1)));
    return;
  }
  if (!states_.Valid() || states_.key() != key) {
    return pass_.Find(absl::StrCat(where, ": its state is missing."));
  }
  const absl::string_view state = states_.value();
  pass_.Count(Family::kState, state.size());
  if (stored != nullptr && state.size() != stored->state_bytes) {
    pass_.Find(absl::StrCat(where, ": its state has ", state.size(),
                            " bytes, not the ", stored->state_bytes,
                            " it was stored with."));
  } else if (stored != nullptr && Sha256(state) != stored->state_sha256) {
    pass_.Find(absl::StrCat(where, ": its state fails its digest."));
  }
  states_.Next();
}

void CheckpointLook::Finish() {
  PassStates(AllKeys().end);
  pass_.FindError("Family state, entries cannot be read", states_.status());
}

void CheckpointLook::See(absl::string_view key, absl::string_view value) {
  const absl::StatusOr<StreamUid> uid = UidOfKey(key);
  if (!uid.ok()) return pass_.FindError("Family checkpoint", uid.status());
  ++pass_.report().checkpoints;
  const UidFacts* facts = pass_.OwnerOf(*uid, Family::kCheckpoint, key);
  const auto stored = DecodeCheckpoint(key, value);
  if (!stored.ok()) {
    const std::string where = absl::StrCat(
        "A checkpoint of ", pass_.NameOf(*uid), ", key ", KeyText(key));
    pass_.FindError(where, stored.status());
    return CheckState(key, nullptr, where);
  }
  const CheckpointHeader& header = stored->header;
  const std::string where =
      absl::StrCat("The checkpoint (", header.reader, ") of ",
                   pass_.NameOf(*uid), " at token ", header.token_offset,
                   ", byte ", header.position.byte_offset);
  if (CheckpointKey(header.uid, header.reader, header.token_offset) != key) {
    pass_.Find(absl::StrCat(where, ": it stands under another's key."));
  }
  if (facts != nullptr && IsPastLog(header.position, *facts)) {
    pass_.Find(absl::StrCat(where, ": it lies past the end of its log."));
  }
  CheckState(key, &*stored, where);
}

void SeeEmbedding(absl::string_view key, absl::string_view value,
                  VerifyPass* pass) {
  const absl::StatusOr<StreamUid> uid = UidOfKey(key);
  if (!uid.ok()) return pass->FindError("Family embedding", uid.status());
  ++pass->report().embeddings;
  const UidFacts* facts = pass->OwnerOf(*uid, Family::kEmbedding, key);
  const auto embedding = DecodeEmbedding(key, value);
  if (!embedding.ok()) {
    const absl::StatusOr<uint64_t> token = OffsetOfKey(key);
    return pass->FindError(
        absl::StrCat("The embedding of ", pass->NameOf(*uid),
                     token.ok() ? absl::StrCat(" from token ", *token)
                                : absl::StrCat(", key ", KeyText(key))),
        embedding.status());
  }
  const std::string where =
      absl::StrCat("The embedding of ", pass->NameOf(*uid), " from token ",
                   embedding->token_begin, ", byte ", embedding->byte_begin);
  if (EmbeddingKey(*uid, embedding->token_begin) != key) {
    pass->Find(absl::StrCat(where, ": it stands under another's key."));
  }
  if (embedding->token_end < embedding->token_begin ||
      embedding->byte_end < embedding->byte_begin) {
    pass->Find(absl::StrCat(where, ": it ends before it begins."));
  }
  if (facts != nullptr && IsPastLog({embedding->byte_end, 0}, *facts)) {
    pass->Find(absl::StrCat(where, ": it lies past the end of its log."));
  }
}

}  // namespace

void VerifyLogs(VerifyPass* pass) {
  LogLook look(pass);
  pass->Each(Family::kLog, AllKeys(),
             [&look](absl::string_view key, absl::string_view value) {
               look.See(key, value);
             });
}

void VerifyCheckpoints(VerifyPass* pass) {
  CheckpointLook look(pass);
  pass->Each(Family::kCheckpoint, AllKeys(),
             [&look](absl::string_view key, absl::string_view value) {
               look.See(key, value);
             });
  look.Finish();
}

void VerifyEmbeddings(VerifyPass* pass) {
  pass->Each(Family::kEmbedding, AllKeys(),
             [pass](absl::string_view key, absl::string_view value) {
               SeeEmbedding(key, value, pass);
             });
}

}  // namespace oxbow
