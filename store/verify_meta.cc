#include "store/verify_meta.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "store/encode_records.h"
#include "store/keys.h"
#include "store/rocks_view.h"
#include "store/seal.h"

namespace oxbow {
namespace {

// One pass over the family.
class MetaLook {
 public:
  explicit MetaLook(VerifyPass* pass) : pass_(*pass) {}

  void See(absl::string_view key, absl::string_view value);
  // What can be said only once all was seen.
  void Finish();

 private:
  void SeeStream(absl::string_view key, absl::string_view value);
  void SeeBeginning(absl::string_view key, absl::string_view value);
  void SeeUnowned(absl::string_view key, absl::string_view value);
  void SeeName(absl::string_view key, absl::string_view value);
  void SeeRequest(absl::string_view key, absl::string_view value);
  void SeeUidLimit(absl::string_view key, absl::string_view value);
  void SeeUnknown(absl::string_view key, absl::string_view value);

  VerifyPass& pass_;
  // Absent: unread; then no uid is held against it.
  absl::optional<StreamUid> uid_limit_;
  bool limit_seen_ = false;
};

std::string Entry(absl::string_view key) {
  return absl::StrCat("Family meta, key \"",
                      absl::CHexEscape(key.substr(0, 64)), "\"");
}

void MetaLook::SeeStream(absl::string_view key, absl::string_view value) {
  const absl::StatusOr<StreamUid> uid = UidOfMetaKey(key);
  if (!uid.ok()) return pass_.FindError(Entry(key), uid.status());
  ++pass_.report().streams;
  UidFacts& facts = pass_.uids()[*uid];
  facts.is_stream = true;
  const absl::StatusOr<StreamRecord> stream = DecodeStream(key, value);
  const std::string where = absl::StrCat("The record of stream uid ", *uid);
  if (!stream.ok()) return pass_.FindError(where, stream.status());
  facts.own_begin =
      stream->ancestry.empty() ? Position() : stream->ancestry.back().end;
  if (stream->uid != *uid) {
    pass_.Find(absl::StrCat(where, " says that it is uid ", stream->uid, "."));
  }
  const absl::StatusOr<absl::optional<StreamUid>> owner =
      ReadNameOwner(pass_.db(), stream->tenant, stream->name);
  if (!owner.ok()) {
    pass_.FindError(absl::StrCat("The name of ", pass_.NameOf(*uid)),
                    owner.status());
  } else if (*owner != *uid) {
    pass_.Find(absl::StrCat("The name of ", pass_.NameOf(*uid), " leads to ",
                            *owner ? absl::StrCat("uid ", **owner) : "nothing",
                            ", not to it."));
  }
}

void MetaLook::SeeUnowned(absl::string_view key, absl::string_view value) {
  const absl::StatusOr<StreamUid> uid = UidOfMetaKey(key);
  if (!uid.ok()) return pass_.FindError(Entry(key), uid.status());
  ++pass_.report().unowned;
  pass_.uids()[*uid].is_unowned = true;
  pass_.FindError(absl::StrCat("The mark for the sweep of uid ", *uid),
                  DecodeUnowned(key, value).status());
}

void MetaLook::SeeName(absl::string_view key, absl::string_view value) {
  ++pass_.report().others;
  const absl::StatusOr<StreamUid> uid = DecodeNameOwner(key, value);
  if (!uid.ok()) return pass_.FindError(Entry(key), uid.status());
  const auto stream = ReadStream(pass_.db(), *uid);
  if (!stream.ok()) return;  // Said where the stream is seen.
  if (!*stream) {
    pass_.Find(absl::StrCat(Entry(key), ": it leads to uid ", *uid,
                            ", which is no stream."));
  } else if (NameKey((*stream)->tenant, (*stream)->name) != key) {
    pass_.Find(absl::StrCat(Entry(key), ": it leads to uid ", *uid,
                            ", whose name is another."));
  }
}

void MetaLook::SeeRequest(absl::string_view key, absl::string_view value) {
  ++pass_.report().others;
  pass_.FindError(Entry(key), DecodeOpaque(key, value).status());
  const absl::StatusOr<StreamUid> uid = UidOfRequestKey(key);
  if (!uid.ok()) return pass_.FindError(Entry(key), uid.status());
  // R comes before S and U: look, instead of asking the register.
  const auto stream = pass_.db().Get(Family::kMeta, StreamKey(*uid));
  const auto unowned = pass_.db().Get(Family::kMeta, UnownedKey(*uid));
  if (stream.ok() && unowned.ok() && !*stream && !*unowned) {
    pass_.Find(absl::StrCat(Entry(key), ": a result of uid ", *uid,
                            ", which is no stream's and waits for no sweep."));
  }
}

void MetaLook::SeeBeginning(absl::string_view key, absl::string_view value) {
  ++pass_.report().others;
  pass_.FindError(Entry(key), DecodeBeginning(key, value).status());
  const absl::StatusOr<StreamUid> uid = UidOfBeginningKey(key);
  if (!uid.ok()) return pass_.FindError(Entry(key), uid.status());
  const auto own = pass_.db().Get(Family::kMeta, OwnBeginningKey(*uid, key));
  if (own.ok() && !*own) {
    pass_.Find(absl::StrCat(Entry(key), ": a beginning of uid ", *uid,
                            " that would stay when its data goes."));
  }
}

void MetaLook::SeeUidLimit(absl::string_view key, absl::string_view value) {
  limit_seen_ = true;
  const absl::StatusOr<StreamUid> limit = DecodeUidLimit(key, value);
  if (!limit.ok()) {
    return pass_.FindError("The number of the next uid", limit.status());
  }
  uid_limit_ = *limit;
}

void MetaLook::SeeUnknown(absl::string_view key, absl::string_view value) {
  if (LooksSealed(value)) {
    ++pass_.report().unknown;
  } else {
    pass_.Find(absl::StrCat(Entry(key),
                            ": of no kind that this release knows, and not "
                            "sealed as every release's are."));
  }
}

void MetaLook::See(absl::string_view key, absl::string_view value) {
  switch (KindOfMetaKey(key)) {
    case MetaKind::kBeginning:
      return SeeBeginning(key, value);
    case MetaKind::kFormat:
      return;  // Held against this release's when the store is opened.
    case MetaKind::kUidLimit:
      return SeeUidLimit(key, value);
    case MetaKind::kName:
      return SeeName(key, value);
    case MetaKind::kOwnBeginning:
    case MetaKind::kProperty:
      ++pass_.report().others;
      return pass_.FindError(Entry(key), DecodeOpaque(key, value).status());
    case MetaKind::kRequest:
      return SeeRequest(key, value);
    case MetaKind::kStream:
      return SeeStream(key, value);
    case MetaKind::kUnowned:
      return SeeUnowned(key, value);
    case MetaKind::kUnknown:
      return SeeUnknown(key, value);
  }
}

void MetaLook::Finish() {
  if (!limit_seen_ && pass_.knows_owners() && !pass_.uids().empty()) {
    pass_.Find(
        "Family meta: the number of the next uid is missing, so that uids in "
        "use would be given again.");
  }
  for (const auto& uid : pass_.uids()) {
    if (uid.second.is_stream && uid.second.is_unowned) {
      pass_.Find(absl::StrCat("Family meta: ", pass_.NameOf(uid.first),
                              " waits for a sweep at the same time."));
    }
    if (uid_limit_ && uid.first >= *uid_limit_) {
      pass_.Find(absl::StrCat("Family meta: ", pass_.NameOf(uid.first),
                              " has a uid that would be given again: the next "
                              "one is ",
                              *uid_limit_, "."));
    }
  }
}

// Holds one segment against the uid's facts. `from`: where it begins.
void CheckSegment(const Segment& segment, const Position& from,
                  absl::string_view where, VerifyPass* pass) {
  const auto known = pass->uids().find(segment.uid);
  if (known == pass->uids().end()) {
    if (!pass->knows_owners()) return;
    pass->Find(absl::StrCat(where, ", which is not stored."));
    return;
  }
  const UidFacts& facts = known->second;
  if (segment.end < from) {
    pass->Find(absl::StrCat(where, ", which ends before it begins."));
  } else if (segment.imported_tokens.has_value()) {
    const auto header = ReadCheckpointHeader(
        pass->db(), segment.uid, "generator", *segment.imported_tokens);
    // A damaged one is said where checkpoints are looked at.
    if (header.ok() && !*header) {
      pass->Find(absl::StrCat(where, ", an imported state that is not there."));
    }
  } else if (from < segment.end &&
             (!facts.log_end || *facts.log_end < segment.end ||
              from < *facts.log_begin)) {
    pass->Find(absl::StrCat(where, ", whose log does not reach so far."));
  }
}

void CheckAncestry(const StreamRecord& stream, VerifyPass* pass) {
  Position from;
  for (const Segment& segment : stream.ancestry) {
    CheckSegment(segment, from,
                 absl::StrCat("The ancestry of ", pass->NameOf(stream.uid),
                              " shares bytes ", from.byte_offset, " to ",
                              segment.end.byte_offset, " of uid ", segment.uid),
                 pass);
    from = segment.end;
  }
}

}  // namespace

void VerifyMeta(VerifyPass* pass) {
  MetaLook look(pass);
  pass->Each(Family::kMeta, AllKeys(),
             [&look](absl::string_view key, absl::string_view value) {
               look.See(key, value);
             });
  look.Finish();
}

void VerifyAncestry(VerifyPass* pass) {
  RocksRange streams = pass->db().Range(Family::kMeta, AllStreams());
  for (streams.First(); streams.Valid(); streams.Next()) {
    const auto stream = DecodeStream(streams.key(), streams.value());
    if (stream.ok()) CheckAncestry(*stream, pass);
  }
  // What cannot be read or decoded was said by VerifyMeta.
}

}  // namespace oxbow
