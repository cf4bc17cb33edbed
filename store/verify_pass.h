// One look over one open store: what its parts share.
#ifndef OXBOW_STORE_VERIFY_PASS_H_
#define OXBOW_STORE_VERIFY_PASS_H_

#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "store/rocks_db.h"
#include "store/verify_store.h"

namespace oxbow {

// What the look has learned of a uid.
struct UidFacts {
  bool is_stream = false;
  bool is_unowned = false;
  // Where the own log must begin: the end of the ancestry. nullopt: no stream,
  // or its record is damaged.
  absl::optional<Position> own_begin;
  // From the first readable record to the end of the last.
  absl::optional<Position> log_begin;
  absl::optional<Position> log_end;
};

// Thread-compatible. Borrows all.
class VerifyPass {
 public:
  VerifyPass(RocksDb* db, const VerifyOptions& options, VerifyReport* report)
      : db_(db), options_(options), report_(*report) {}

  // Notes a sentence.
  void Find(std::string sentence);
  // Notes what an error says of a place, if it is one.
  void FindError(absl::string_view where, const absl::Status& status);

  // Tells of bytes read.
  void Count(Family family, size_t bytes);

  // Calls `visit` for each entry of a range. What cannot be read is a finding;
  // in a family of data the next known uid is tried then.
  void Each(Family family, const KeyRange& range,
            const std::function<void(absl::string_view key,
                                     absl::string_view value)>& visit);

  // "Stream "book" (uid 7)", or what else the uid is.
  std::string NameOf(StreamUid uid);

  // The uid's facts; null and a finding if the uid is nobody's, which no
  // sweep would find.
  UidFacts* OwnerOf(StreamUid uid, Family family, absl::string_view key);

  RocksDb& db() { return *db_; }
  VerifyReport& report() { return report_; }
  std::map<StreamUid, UidFacts>& uids() { return uids_; }
  // False once an entry of `meta` could not be read: then who owns what is
  // not known for sure, and nothing is said of it.
  bool knows_owners() const { return knows_owners_; }
  void ForgetOwners() { knows_owners_ = false; }

 private:
  bool GoToNextUid(RocksRange* entries, const std::string& at) const;

  RocksDb* const db_;
  const VerifyOptions& options_;
  VerifyReport& report_;
  std::map<StreamUid, UidFacts> uids_;
  bool knows_owners_ = true;
  StreamUid last_nobody_ = 0;  // said once a family
  uint64_t bytes_read_ = 0;
  uint64_t told_at_ = 0;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_VERIFY_PASS_H_
