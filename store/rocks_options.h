// How RocksDB is set up, and why.
#ifndef OXBOW_STORE_ROCKS_OPTIONS_H_
#define OXBOW_STORE_ROCKS_OPTIONS_H_

#include <array>
#include <memory>
#include <vector>

#include "rocksdb/db.h"
#include "rocksdb/options.h"
#include "store/rocks_store.h"

namespace oxbow {

// The column families (docs/store_format.md says what each holds). Order of
// kFamilyNames; `default` is RocksDB's and stays empty.
enum class Family { kDefault, kMeta, kLog, kState, kCheckpoint, kEmbedding };
constexpr int kFamilies = 6;
extern const std::array<const char*, kFamilies> kFamilyNames;

rocksdb::DBOptions MakeDbOptions(const RocksStoreOptions& options,
                                 rocksdb::Env* env);

// All of kFamilyNames. They share one cache, made here.
std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(
    const RocksStoreOptions& options);

// For a synced or unsynced write.
rocksdb::WriteOptions MakeWriteOptions(bool sync);

}  // namespace oxbow

#endif  // OXBOW_STORE_ROCKS_OPTIONS_H_
