#include "store/testing/store_under_test.h"

#include <stdlib.h>

#include <filesystem>
#include <utility>

#include "base/check.h"
#include "gtest/gtest.h"
#include "store/memory_store.h"

namespace oxbow {

std::string NameOf(StoreKind kind) {
  return kind == StoreKind::kMemory ? "Memory" : "Rocks";
}

TestFolder::TestFolder() : path_(testing::TempDir() + "/storeXXXXXX") {
  OXBOW_CHECK(mkdtemp(path_.data()) != nullptr) << path_;
}

TestFolder::~TestFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

RocksStoreOptions SmallRocksOptions(const std::string& path,
                                    const Clock* clock) {
  RocksStoreOptions options;
  options.path = path;
  options.clock = clock;
  options.free_bytes_min = 0;
  options.memtable_bytes_max = 256 << 10;
  options.wal_bytes_max = 512 << 10;
  options.block_cache_bytes = 1 << 20;
  options.uids_remembered_max = 4;
  return options;
}

StoreUnderTest::StoreUnderTest(StoreKind kind,
                               std::shared_ptr<rocksdb::FileSystem> disk)
    : kind_(kind), disk_(std::move(disk)) {
  if (kind == StoreKind::kMemory) {
    store_ = std::make_unique<MemoryStore>(&clock_);
  } else {
    Reopen();
  }
}

void StoreUnderTest::Close() {
  if (kind_ == StoreKind::kRocks) store_ = nullptr;
}

void StoreUnderTest::Reopen() {
  if (kind_ == StoreKind::kMemory) return;
  Close();
  RocksStoreOptions options = SmallRocksOptions(folder_.path(), &clock_);
  options.file_system = disk_;
  absl::StatusOr<std::unique_ptr<StreamStore>> opened = OpenRocksStore(options);
  OXBOW_CHECK(opened.ok()) << opened.status();
  store_ = *std::move(opened);
}

}  // namespace oxbow
