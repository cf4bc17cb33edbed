// What ThreadSanitizer is not to report. In the program, not in a file named by
// TSAN_OPTIONS: it counts wherever a test or a server is started from.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_options();

// Debian's RocksDB is not built for ThreadSanitizer, which sees what RocksDB
// copies and frees (calls of libc, and templates of the standard library of
// which it takes our copies), but not the atomics that order them: its list of
// snapshots. Our own code is looked at wherever it is called from.
const char* __tsan_default_suppressions() {
  return "called_from_lib:librocksdb.so\n"
         "race:rocksdb::DBImpl::GetSnapshotContext\n";
}

// At the first report: a program that a test has started is to end so that the
// test notices.
const char* __tsan_default_options() { return "halt_on_error=1"; }
