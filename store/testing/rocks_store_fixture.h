// A RocksStore with one log and a disk that can fail, for tests.
#ifndef OXBOW_STORE_TESTING_ROCKS_STORE_FIXTURE_H_
#define OXBOW_STORE_TESTING_ROCKS_STORE_FIXTURE_H_

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "store/rocks_store.h"
#include "store/testing/faulty_file_system.h"
#include "store/testing/log_author.h"
#include "store/testing/status_is.h"
#include "store/testing/store_under_test.h"

namespace oxbow {

class RocksStoreTest : public testing::Test {
 protected:
  RocksStoreTest() { options_ = SmallRocksOptions(Path("store"), &clock_); }

  std::string Path(const std::string& name) {
    return folder_.path() + "/" + name;
  }
  absl::Status Open() {
    store_ = nullptr;
    auto opened = OpenRocksStore(options_);
    if (opened.ok()) store_ = *std::move(opened);
    return opened.status();
  }
  absl::Status Append(const std::string& text, bool sync = true) {
    LogAuthor author = author_;
    StoreBatch batch;
    batch.appends.push_back({1, author.Text(text)});
    const absl::Status status = store_->Write(batch, sync);
    if (status.ok()) author_ = author;
    return status;
  }
  std::string Text() {
    std::string text;
    const auto page = store_->ReadLog(1, 0, absl::nullopt, 1 << 30);
    EXPECT_OK(page);
    for (const LogRecord& record : *page) text += record.text;
    return text;
  }
  // Every file below a folder, with its contents.
  static std::map<std::string, std::string> FilesOf(const std::string& path) {
    std::map<std::string, std::string> files;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(path)) {
      if (!entry.is_regular_file()) continue;
      std::ostringstream contents;
      contents << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      files[entry.path()] = contents.str();
    }
    return files;
  }
  // The only file of the open store whose name ends so.
  static std::string NewestOf(const std::string& path, const std::string& end) {
    std::string newest;
    for (const auto& file : FilesOf(path)) {
      if (file.first.size() > end.size() &&
          file.first.substr(file.first.size() - end.size()) == end) {
        newest = std::max(newest, file.first);
      }
    }
    return newest;
  }

  TurnedClock clock_;
  TestFolder folder_;
  RocksStoreOptions options_;
  std::shared_ptr<FaultyFileSystem> disk_ =
      std::make_shared<FaultyFileSystem>();
  std::unique_ptr<DiskStore> store_;
  LogAuthor author_;
};

}  // namespace oxbow

#endif  // OXBOW_STORE_TESTING_ROCKS_STORE_FIXTURE_H_
