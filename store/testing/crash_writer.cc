// A process to be killed: writes NumberedBatches to the store in the folder
// argv[1], each synced, and prints each batch's number once it is
// acknowledged.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "base/check.h"
#include "store/rocks_store.h"
#include "store/testing/numbered_batches.h"
#include "store/testing/store_under_test.h"

int main(int argc, char** argv) {
  OXBOW_CHECK(argc == 2) << "usage: crash_writer FOLDER";
  oxbow::TurnedClock clock;
  auto store = oxbow::OpenRocksStore(oxbow::SmallRocksOptions(argv[1], &clock));
  OXBOW_CHECK(store.ok()) << store.status();
  auto batches = oxbow::NumberedBatches::GoOn(**store);
  OXBOW_CHECK(batches.ok()) << batches.status();
  while (true) {
    const oxbow::StoreBatch batch = batches->Next();
    OXBOW_CHECK_OK((*store)->Write(batch, /*sync=*/true));
    const std::string line =
        std::to_string(batch.appends[0].record.sequence) + "\n";
    // Unbuffered: what was printed was acknowledged. The reader gone: done.
    if (write(STDOUT_FILENO, line.data(), line.size()) < 0) return 0;
  }
}
