#include "store/rocks_options.h"

#include <algorithm>
#include <memory>

#include "rocksdb/cache.h"
#include "rocksdb/convenience.h"
#include "rocksdb/file_checksum.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/listener.h"
#include "rocksdb/table.h"

namespace oxbow {
namespace {

// States are megabytes; a header is not worth a blob.
constexpr uint64_t kBlobBytesMin = 4 << 10;

// Log text shrinks to about half. Floats of states and embeddings do not.
rocksdb::CompressionType Lz4IfBuilt() {
  const auto built = rocksdb::GetSupportedCompressions();
  return std::count(built.begin(), built.end(), rocksdb::kLZ4Compression) > 0
             ? rocksdb::kLZ4Compression
             : rocksdb::kNoCompression;
}

// RocksDB gives every database a file manager that, five seconds after a full
// disk, goes back to work by itself, whatever max_bgerror_resume_count says;
// until then it answers Busy to those who ask.
class NeverResumesAlone : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

void SetLogging(rocksdb::DBOptions* db) {
  // Where to is said by who opens it (store/info_log.h).
  db->info_log_level = rocksdb::WARN_LEVEL;
  db->stats_dump_period_sec = 0;
  db->stats_persist_period_sec = 0;
}

}  // namespace

const std::array<const char*, kFamilies> kFamilyNames = {
    "default", "meta", "log", "state", "checkpoint", "embedding"};

rocksdb::DBOptions MakeDbOptions(const RocksStoreOptions& options,
                                 rocksdb::Env* env) {
  rocksdb::DBOptions db;
  if (env != nullptr) db.env = env;

  // A damaged log of changes refuses to open; only a torn last record, the
  // mark of a crash, is dropped. (The default stops at the first bad record
  // and drops all that follow, acknowledged or not; kAbsoluteConsistency
  // refuses after any crash.) A last record whose damaged length makes it
  // look torn is found by DurableMark.
  db.wal_recovery_mode =
      rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // A missing or shortened older file of that log is noticed.
  db.track_and_verify_wals_in_manifest = true;
  db.paranoid_checks = true;
  // What RocksDB writes is checked on its way, and files as wholes.
  db.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  db.flush_verify_memtable_count = true;
  // Never back to work by itself after a failed write: a sync that failed
  // once may have lost what a second one reports as safe. A full disk is
  // resumed by RocksWriter.
  db.max_bgerror_resume_count = 0;
  db.listeners.push_back(std::make_shared<NeverResumesAlone>());
  db.manual_wal_flush = false;
  db.avoid_flush_during_shutdown = false;

  db.max_total_wal_size = options.wal_bytes_max;
  db.db_write_buffer_size = options.memtable_bytes_max;
  db.max_open_files = options.open_files_max;
  // A start would make sixteen threads a family for a few files.
  db.max_file_opening_threads = 1;
  db.max_background_jobs = 2;
  // Spreads writing to disk, so that a sync of the log does not wait for
  // megabytes of a flush.
  db.bytes_per_sync = 1 << 20;
  // RocksDB would write the machine's name into every file.
  db.db_host_id = "";
  SetLogging(&db);
  return db;
}

std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(
    const RocksStoreOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  table.cache_index_and_filter_blocks = true;  // bounded with the rest
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;

  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.compression = rocksdb::kNoCompression;
  family.write_buffer_size =
      std::min<size_t>(options.memtable_bytes_max / 2, 32 << 20);
  // A new file is read back and compared before its input is dropped.
  family.paranoid_file_checks = true;
  family.force_consistency_checks = true;
  family.memtable_protection_bytes_per_key = 8;
  family.level_compaction_dynamic_level_bytes = true;

  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const char* name : kFamilyNames) families.emplace_back(name, family);

  families[static_cast<int>(Family::kLog)].options.compression = Lz4IfBuilt();

  // States go to files of their own at the first flush and are not rewritten
  // by each compaction: 0.9 bytes written a byte put, against 2.4.
  rocksdb::ColumnFamilyOptions& state =
      families[static_cast<int>(Family::kState)].options;
  state.enable_blob_files = true;
  state.min_blob_size = kBlobBytesMin;
  state.blob_file_size = 64 << 20;
  state.blob_compression_type = rocksdb::kNoCompression;
  // Retention drops old checkpoints: of the older half of the files, those
  // half of whose bytes are garbage are emptied and go.
  state.enable_blob_garbage_collection = true;
  state.blob_garbage_collection_age_cutoff = 0.5;
  state.blob_garbage_collection_force_threshold = 0.5;
  return families;
}

rocksdb::WriteOptions MakeWriteOptions(bool sync) {
  rocksdb::WriteOptions write;
  write.sync = sync;
  // A bit that flips in memory on the way to the disk is noticed.
  write.protection_bytes_per_key = 8;
  return write;
}

}  // namespace oxbow
