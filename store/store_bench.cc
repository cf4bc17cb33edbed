// How fast the store writes and reads; beside each number, what the disk
// alone needs (BM_SyncedFile): the bound.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/check.h"
#include "benchmark/benchmark.h"
#include "store/rocks_store.h"
#include "store/testing/log_author.h"

namespace oxbow {
namespace {

// Bytes that do not compress.
std::string Noise(size_t size) {
  std::string bytes(size, '\0');
  uint32_t x = 1;
  for (char& c : bytes) {
    x = x * 1664525 + 1013904223;
    c = static_cast<char>(x >> 24);
  }
  return bytes;
}

// A new store in a folder of its own, gone with it.
class BenchStore {
 public:
  BenchStore() {
    OXBOW_CHECK(mkdtemp(path_.data()) != nullptr) << path_;
    RocksStoreOptions options;
    options.path = path_;
    auto store = OpenRocksStore(options);
    OXBOW_CHECK(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  ~BenchStore() {
    store_ = nullptr;
    std::filesystem::remove_all(path_);
  }
  StreamStore* operator->() { return store_.get(); }
  const std::string& path() const { return path_; }

 private:
  static std::string Template() {
    const char* folder = std::getenv("TEST_TMPDIR");
    return std::string(folder == nullptr ? "/tmp" : folder) +
           "/store_benchXXXXXX";
  }

  std::string path_ = Template();
  std::unique_ptr<StreamStore> store_;
};

void BM_SyncedFile(benchmark::State& state) {
  BenchStore store;
  const std::string bytes = Noise(state.range(0));
  const int file = open((store.path() + "/bound").c_str(),
                        O_WRONLY | O_CREAT | O_TRUNC, 0600);
  for (auto _ : state) {
    OXBOW_CHECK(write(file, bytes.data(), bytes.size()) ==
                static_cast<ssize_t>(bytes.size()));
    OXBOW_CHECK(fdatasync(file) == 0);
  }
  close(file);
  state.SetBytesProcessed(state.iterations() * bytes.size());
}
BENCHMARK(BM_SyncedFile)
    ->Arg(4 << 10)
    ->Arg(270000)
    ->Arg(2400000)
    ->UseRealTime();

void BM_SyncedAppend(benchmark::State& state) {
  BenchStore store;
  const std::string text = Noise(state.range(0));
  LogAuthor author;
  for (auto _ : state) {
    StoreBatch batch;
    batch.appends.push_back({1, author.Text(text)});
    OXBOW_CHECK_OK(store->Write(batch, /*sync=*/true));
  }
  state.SetBytesProcessed(state.iterations() * text.size());
}
BENCHMARK(BM_SyncedAppend)->Arg(4 << 10)->UseRealTime();

// A stream's checkpoints, of which the newest four stay.
void BM_PutCheckpoint(benchmark::State& state) {
  BenchStore store;
  StoreBatch batch;
  batch.put_checkpoints.resize(1);
  Checkpoint& checkpoint = batch.put_checkpoints[0];
  checkpoint.header.uid = 1;
  checkpoint.header.reader = "generator";
  checkpoint.state = Noise(state.range(0));
  for (auto _ : state) {
    ++checkpoint.header.token_offset;
    if (checkpoint.header.token_offset > 4) {
      batch.delete_checkpoints = {checkpoint.header};
      batch.delete_checkpoints[0].token_offset -= 4;
    }
    OXBOW_CHECK_OK(store->Write(batch, /*sync=*/true));
  }
  state.SetBytesProcessed(state.iterations() * checkpoint.state.size());
}
BENCHMARK(BM_PutCheckpoint)->Arg(270000)->Arg(2400000)->UseRealTime();

void BM_ReadCheckpoint(benchmark::State& state) {
  BenchStore store;
  StoreBatch batch;
  batch.put_checkpoints.resize(1);
  batch.put_checkpoints[0].header.uid = 1;
  batch.put_checkpoints[0].state = Noise(state.range(0));
  OXBOW_CHECK_OK(store->Write(batch, /*sync=*/true));
  for (auto _ : state) {
    OXBOW_CHECK(store->ReadCheckpoint(1, "", 0).ok());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ReadCheckpoint)->Arg(270000)->Arg(2400000)->UseRealTime();

// 64 MiB in records of 4 KiB, read in pages of 1 MiB.
void BM_ReadLog(benchmark::State& state) {
  BenchStore store;
  const std::string text = Noise(4 << 10);
  LogAuthor author;
  for (int i = 0; i < 64; ++i) {
    StoreBatch batch;
    for (int j = 0; j < 256; ++j) {
      batch.appends.push_back({1, author.Text(text)});
    }
    OXBOW_CHECK_OK(store->Write(batch, /*sync=*/false));
  }
  for (auto _ : state) {
    absl::optional<uint64_t> after;
    uint64_t byte = 0;
    while (byte < author.end().byte_offset) {
      const auto page = store->ReadLog(1, byte, after, 1 << 20);
      OXBOW_CHECK(page.ok()) << page.status();
      after = page->back().sequence;
      byte = page->back().End().byte_offset;
    }
  }
  state.SetBytesProcessed(state.iterations() * author.end().byte_offset);
}
BENCHMARK(BM_ReadLog)->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_Reopen(benchmark::State& state) {
  RocksStoreOptions options;
  BenchStore folder;
  options.path = folder.path() + "/again";
  for (auto _ : state) {
    OXBOW_CHECK(OpenRocksStore(options).ok());
  }
}
BENCHMARK(BM_Reopen)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace oxbow

BENCHMARK_MAIN();
