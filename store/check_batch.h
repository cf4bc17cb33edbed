// Whether a batch may be written, and what else changes with it: the one
// answer both stores give.
#ifndef OXBOW_STORE_CHECK_BATCH_H_
#define OXBOW_STORE_CHECK_BATCH_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "store/encode_records.h"
#include "store/records.h"
#include "store/stream_store.h"

namespace oxbow {

// Where a uid's own log ends.
struct LogEnd {
  uint64_t next_sequence = 0;
  Position position;
  Digest chain{};  // of the last record
};

// What the store holds of a uid.
struct UidState {
  enum class Owner {
    kNone,     // nothing is stored
    kStream,   // a stream record
    kUnowned,  // data, and a mark for the sweep; never had a stream
    kDeleted,  // the same; its stream was deleted
  };
  Owner owner = Owner::kNone;
  // Where the own log begins: the end of the ancestry. kStream only.
  Position own_begin;
  absl::optional<LogEnd> log_end;  // nullopt: the own log is empty
};

// The store as it is. One thread only.
class StoreView {
 public:
  virtual ~StoreView() = default;

  virtual absl::StatusOr<absl::optional<StreamRecord>> Stream(
      StreamUid uid) = 0;
  virtual absl::StatusOr<absl::optional<StreamUid>> NameOwner(
      const std::string& tenant, const std::string& name) = 0;
  virtual absl::StatusOr<UidState> Uid(StreamUid uid) = 0;
  // The stored checkpoint at the header's uid, reader and token offset.
  virtual absl::StatusOr<absl::optional<StoredCheckpoint>> CheckpointAt(
      const CheckpointHeader& header) = 0;
};

// What a batch changes besides what it says.
struct BatchEffects {
  // Expired streams whose names the batch takes: they become deleted.
  std::vector<StreamRecord> retired;
  // Records as they were, of streams that change their name.
  std::vector<StreamRecord> renamed;
  // Every uid the batch touches, as it is before and afterwards.
  std::map<StreamUid, UidState> before;
  std::map<StreamUid, UidState> after;
  // For put_checkpoints in order, then put_checkpoint_headers in order.
  std::vector<StoredCheckpoint> checkpoints;
};

// The SHA-256 of each of put_checkpoints' states. Apart from CheckBatch since
// it takes milliseconds and no lock.
std::vector<Digest> DigestStates(const StoreBatch& batch);

// The batch means its parts in the order StoreBatch declares them.
//
// A put checkpoint keeps the savepoints of the one it replaces. Data of a uid
// that has no stream is taken and becomes kUnowned.
//
// AlreadyExists: a put stream's (tenant, name) belongs to another uid that is
// not expired. FailedPrecondition: an append does not continue its uid's log
// (sequence, begin or chain); a put stream was deleted, or its ancestry names
// a uid the store does not hold (any more); a put header's checkpoint is not
// stored. InvalidArgument: a text record's length is not its text's; over
// 1,000 segments of ancestry. DataLoss: what the store holds is damaged.
absl::StatusOr<BatchEffects> CheckBatch(
    const StoreBatch& batch, const std::vector<Digest>& state_digests,
    StoreView& view, absl::Time now);

}  // namespace oxbow

#endif  // OXBOW_STORE_CHECK_BATCH_H_
