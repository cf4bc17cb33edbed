// Any store there is, in a folder of the test's own.
#ifndef OXBOW_STORE_TESTING_STORE_UNDER_TEST_H_
#define OXBOW_STORE_TESTING_STORE_UNDER_TEST_H_

#include <memory>
#include <string>

#include "store/rocks_store.h"
#include "store/stream_store.h"
#include "store/testing/turned_clock.h"

namespace oxbow {

enum class StoreKind { kMemory, kRocks };

// For the names of tests.
std::string NameOf(StoreKind kind);

// A folder below the test's temporary one, removed when it goes.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A new, empty store and its clock. Thread-compatible.
class StoreUnderTest {
 public:
  // `disk`: where a RocksStore reads and writes; null: the machine's.
  explicit StoreUnderTest(StoreKind kind,
                          std::shared_ptr<rocksdb::FileSystem> disk = nullptr);

  StreamStore* operator->() { return store_.get(); }
  StreamStore& operator*() { return *store_; }
  TurnedClock& clock() { return clock_; }

  // Closes and opens it again; a memory store goes on as it was. Stops the
  // test if it does not open.
  void Reopen();
  // The half of it: there is none until Reopen().
  void Close();
  const std::string& folder() const { return folder_.path(); }

 private:
  const StoreKind kind_;
  const std::shared_ptr<rocksdb::FileSystem> disk_;
  TurnedClock clock_;
  TestFolder folder_;
  std::unique_ptr<StreamStore> store_;
};

// Small limits, so that tests reach them: files instead of memory.
RocksStoreOptions SmallRocksOptions(const std::string& path,
                                    const Clock* clock);

}  // namespace oxbow

#endif  // OXBOW_STORE_TESTING_STORE_UNDER_TEST_H_
