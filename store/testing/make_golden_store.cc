// Makes the golden store of this release: make_golden_store FOLDER. Run once
// a release; store/testdata/README.md says what to do with it.
#include <filesystem>
#include <iostream>
#include <string>

#include "base/check.h"
#include "store/rocks_store.h"
#include "store/testing/golden_contents.h"

namespace oxbow {
namespace {

namespace fs = std::filesystem;

void WriteFrom(StreamStore& store, size_t begin, size_t end) {
  const GoldenContents contents = ContentsOfFormat1();
  for (size_t i = begin; i < end; ++i) {
    OXBOW_CHECK_OK(store.Write(contents.batches[i], /*sync=*/true));
  }
}

// Copies the files of an open store, as a kill would leave them.
void CopyAsKilled(const std::string& from, const std::string& to) {
  fs::create_directories(to + "/rocksdb");
  for (const auto& entry : fs::directory_iterator(from + "/rocksdb")) {
    const std::string name = entry.path().filename();
    // Words for people, and what names places on this machine.
    if (name.substr(0, 3) == "LOG" || name.substr(0, 7) == "OPTIONS") continue;
    if (name == "LOCK") continue;
    fs::copy_file(entry.path(), to + "/rocksdb/" + name);
  }
  fs::copy_file(from + "/durable", to + "/durable");
}

void Make(const std::string& folder) {
  const GoldenContents contents = ContentsOfFormat1();
  RocksStoreOptions options;
  options.path = folder + ".open";
  {
    auto store = OpenRocksStore(options);
    OXBOW_CHECK_OK(store.status());
    for (int i = 0; i < contents.uids; ++i) {
      OXBOW_CHECK_OK((*store)->NewUid().status());
    }
    WriteFrom(**store, 0, contents.first_in_log);
    OXBOW_CHECK_OK((*store)->DeleteStream(contents.deleted));
    OXBOW_CHECK_OK((*store)->SetProperty(contents.property, contents.property));
  }
  auto store = OpenRocksStore(options);
  OXBOW_CHECK_OK(store.status());
  WriteFrom(**store, contents.first_in_log, contents.batches.size());
  CopyAsKilled(options.path, folder);
  store->reset();
  fs::remove_all(options.path);
}

}  // namespace
}  // namespace oxbow

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_golden_store FOLDER\n";
    return 64;
  }
  oxbow::Make(argv[1]);
  return 0;
}
