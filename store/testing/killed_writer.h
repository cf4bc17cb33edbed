// A process that writes to a store and is killed, as a power switch would.
#ifndef OXBOW_STORE_TESTING_KILLED_WRITER_H_
#define OXBOW_STORE_TESTING_KILLED_WRITER_H_

#include <cstdint>
#include <string>

namespace oxbow {

// Lets store/testing/crash_writer write NumberedBatches to the store in
// `folder`, each synced, and kills it (SIGKILL) wherever it is once `acks` of
// them, and at least one, were acknowledged. What lies in `folder` then is what
// a killed server leaves; a copy of an open store is not, for RocksDB deletes
// files while they are copied.
//
// Returns how many batches were acknowledged in all, those of earlier writers
// included, or `before` if none was. Fails the test if the writer ended by
// itself. Blocks until the process is gone. The test needs the writer as data.
uint64_t WriteAndKill(const std::string& folder, int acks, uint64_t before);

}  // namespace oxbow

#endif  // OXBOW_STORE_TESTING_KILLED_WRITER_H_
