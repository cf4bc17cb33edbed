// Reading everything of a store and holding it against itself.
#ifndef OXBOW_STORE_VERIFY_STORE_H_
#define OXBOW_STORE_VERIFY_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "store/rocks_store.h"

namespace oxbow {

struct VerifyProgress {
  const char* part = "";    // "log", "state", ...
  uint64_t bytes_read = 0;  // of keys and values, of this part and the others
};

struct VerifyOptions {
  RocksStoreOptions store;
  // Sentences kept; more are counted.
  size_t findings_max = 1000;
  // Called about once a MiB; may be empty.
  std::function<void(const VerifyProgress&)> on_progress;
};

// What was read, and what is wrong with it.
struct VerifyReport {
  uint64_t streams = 0;
  uint64_t unowned = 0;  // uids that wait for a sweep
  uint64_t log_records = 0;
  uint64_t log_bytes = 0;  // of the streams' contents
  uint64_t checkpoints = 0;
  uint64_t embeddings = 0;
  uint64_t others = 0;  // names, requests' results, properties
  // Sealed entries of kinds this release does not know: no findings.
  uint64_t unknown = 0;
  // A sentence each: which stream, which family, which offset.
  std::vector<std::string> findings;
  uint64_t findings_count = 0;

  bool whole() const { return findings_count == 0; }
};

// Reads every entry: seals, digests of states, chains and gaps of logs, names
// and streams, ancestry, uids that no sweep would find, the acknowledged end,
// and the checksums of RocksDB's own files, which also cover what is
// superseded. Changes nothing; takes no model and no lock.
//
// The store may be in use: it is read as it was at one moment. A file that the
// server replaced meanwhile looks lost, so findings are told only if two looks
// in a row agree on them, each on the store of its moment.
//
// NotFound: no store. FailedPrecondition: a later release's. Unavailable: it
// was in use, and no two looks agreed; try again, or verify a backup. An error
// in opening is a finding if two looks agree on it.
absl::StatusOr<VerifyReport> VerifyStore(const VerifyOptions& options);

}  // namespace oxbow

#endif  // OXBOW_STORE_VERIFY_STORE_H_
