// Every place where a store or a backup reads or writes its files fails once.
// After each: nothing acknowledged is lost, and the caller hears of it well.
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/soak.h"
#include "gtest/gtest.h"
#include "store/backup_folder.h"
#include "store/restore_backup.h"
#include "store/testing/is_sentence.h"
#include "store/testing/numbered_batches.h"
#include "store/testing/rocks_store_fixture.h"

namespace oxbow {
namespace {

using absl::StatusCode;
using rocksdb::IOStatus;
using Call = FaultyFileSystem::Call;
using Site = FaultyFileSystem::Site;

constexpr int kBatches = 12;  // of one life
// Lives until a rare place is reached: a file goes when compaction leaves it.
constexpr int kLivesMax = 16;
constexpr int kLivesCounted = 6;
// Where a store begins anew, so that looking at all of it stays quick.
constexpr uint64_t kBatchesOfAStore = 500;

class IoSitesTest : public RocksStoreTest {
 protected:
  // A store is opened, used and closed; then the power is cut and what the disk
  // holds is held against what was acknowledged.
  void Live() {
    if (acknowledged_ > kBatchesOfAStore) BeginAnew();
    may_be_there_ = 0;
    options_.file_system = disk_;
    if (Judge(Open())) Use();
    store_ = nullptr;
    backups_ = nullptr;
    disk_->LoseUnsynced();
    Verify();
  }

  // Lives until the fault came to pass; false: it never did.
  bool LiveWith(const Site& site, const IOStatus& status) {
    SCOPED_TRACE(absl::StrCat(FaultyFileSystem::NameOf(site),
                              " failed: ", status.ToString()));
    site_ = site;
    full_ = status.IsNoSpace();
    const int calls_a_life = counted_.at(site) / kLivesCounted;
    disk_->FailOnce(site, status,
                    static_cast<int>(random_() % (calls_a_life / 2 + 1)));
    for (int life = 0; life < kLivesMax; ++life) {
      Live();
      if (disk_->has_failed_once() || HasFatalFailure()) break;
    }
    disk_->Mend();
    return disk_->has_failed_once();
  }

  // What is used when nothing fails.
  void CountCalls() {
    Live();  // Makes it.
    const std::map<Site, int> before = disk_->calls();
    for (int life = 0; life < kLivesCounted; ++life) Live();
    ASSERT_FALSE(HasFailure()) << "without any fault";
    counted_ = disk_->calls();
    for (auto site = counted_.begin(); site != counted_.end();) {
      const auto earlier = before.find(site->first);
      if (earlier != before.end()) site->second -= earlier->second;
      site = site->second > 0 ? std::next(site) : counted_.erase(site);
    }
  }

  bool Has(const std::string& kind, Call call) {
    return counted_.count({kind, call}) > 0;
  }

  const std::map<Site, int>& sites() const { return counted_; }

  std::mt19937_64 random_{SoakSeed(41)};

 private:
  void BeginAnew() {
    options_.path = Path(absl::StrCat("store", ++stores_));
    acknowledged_ = 0;
    streams_.clear();
  }

  // Whether it went well; if not, whether that was said as it should be.
  bool Judge(const absl::Status& status) {
    if (status.ok()) return true;
    EXPECT_TRUE(disk_->has_failed_once()) << status;
    if (!may_end_writing() || !absl::IsDataLoss(status)) {
      EXPECT_THAT(status, StatusIs(full_ ? StatusCode::kResourceExhausted
                                         : StatusCode::kDataLoss));
    }
    EXPECT_TRUE(IsSentence(status));
    return false;
  }

  // Writing the log failed for another reason than space.
  bool log_is_lost() const {
    return disk_->has_failed_once() && !full_ && site_.first == "log" &&
           (site_.second == Call::kAppend || site_.second == Call::kSync);
  }

  // A full disk passes but for one place: without a new log of changes RocksDB
  // has to be opened anew.
  bool may_end_writing() const {
    return full_ && site_ == Site("log", Call::kCreate);
  }

  // Whether the batch was acknowledged in the end.
  bool Write(const StoreBatch& batch) {
    for (int i = 0; i < 3; ++i) {
      const bool was_lost = log_is_lost();
      const absl::Status status = store_->Write(batch, /*sync=*/true);
      if (status.ok()) {
        EXPECT_FALSE(was_lost) << "acknowledged after the log had failed";
        return true;
      }
      Judge(status);
      if (!log_is_lost() && !full_) return false;
    }
    EXPECT_TRUE(!full_ || may_end_writing())
        << "space came back, but the store did not";
    return false;
  }

  void Use() {
    // 1 is the batches' own.
    if (!Judge(store_->NewUid().status())) return;
    auto batches = NumberedBatches::GoOn(*store_);
    if (!Judge(batches.status())) return;
    for (int i = 0; i < kBatches; ++i) {
      if (!Write(batches->Next())) {
        may_be_there_ = 1;
        return UseWithoutWriting();
      }
      ++acknowledged_;
      if (i == kBatches / 2) ForkAndRemove();
    }
    BackUp();
  }

  // A broken log is no reason not to read.
  void UseWithoutWriting() {
    if (site_.second == Call::kOpen) return;
    EXPECT_OK(NumberedBatches::CountWhole(*store_));
  }

  // A stream with a large state, a fork of it, both gone again, and one that
  // stays.
  void ForkAndRemove() {
    const absl::StatusOr<StreamUid> uid = store_->NewUid();
    const absl::StatusOr<StreamUid> fork = store_->NewUid();
    if (!Judge(uid.status()) || !Judge(fork.status())) return;
    StoreBatch batch = Create(*uid);
    batch.appends.push_back({*uid, LogAuthor().Text("text")});
    batch.put_checkpoints.resize(1);
    batch.put_checkpoints[0].header.uid = *uid;
    batch.put_checkpoints[0].header.reader = "generator";
    batch.put_checkpoints[0].state = LargeState();
    if (!Put(*uid, batch)) return;
    StoreBatch child = Create(*fork);
    child.put_streams[0].ancestry = {{*uid, {2, 0}, false}};
    if (!Put(*fork, child)) return;
    Remove(*uid);
    Judge(store_->Sweep(clock_.Now()).status());
    Remove(*fork);
    Judge(store_->Sweep(clock_.Now()).status());
  }

  StoreBatch Create(StreamUid uid) {
    StoreBatch batch;
    batch.put_streams.resize(1);
    batch.put_streams[0].uid = uid;
    batch.put_streams[0].tenant = "forks";
    batch.put_streams[0].name = absl::StrCat(uid);
    return batch;
  }

  // More than the system is let keep back before a range is synced.
  std::string LargeState() {
    std::string state(3 << 20, '\0');
    for (size_t i = 0; i < state.size(); i += 64) {
      state[i] = static_cast<char>(random_());
    }
    return state;
  }

  bool Put(StreamUid uid, const StoreBatch& batch) {
    streams_.erase(uid);  // Unknown until it is acknowledged.
    if (!Write(batch)) return false;
    streams_[uid] = true;
    return true;
  }

  void Remove(StreamUid uid) {
    streams_.erase(uid);
    if (Judge(store_->DeleteStream(uid))) streams_[uid] = false;
  }

  void BackUp() {
    auto opened = BackupFolder::Open(Path("backups"), disk_);
    if (!Judge(opened.status())) return;
    backups_ = *std::move(opened);
    const uint64_t before = acknowledged_;
    const auto backup = store_->BackUp(backups_.get());
    if (!Judge(backup.status())) return;
    newest_backup_ = backup->id;
    backed_up_ = before;
    Judge(backups_->KeepNewest(2));
  }

  void Verify() {
    options_.file_system = calm_disk_;
    ASSERT_OK(Open());
    const auto count = NumberedBatches::CountWhole(*store_);
    ASSERT_OK(count);
    EXPECT_GE(*count, acknowledged_) << "acknowledged and lost";
    EXPECT_LE(*count, acknowledged_ + may_be_there_);
    acknowledged_ = *count;
    for (const auto& [uid, is_there] : streams_) {
      EXPECT_EQ(store_->FindStream("forks", absl::StrCat(uid)).ok(), is_there)
          << uid;
    }
    store_ = nullptr;
    if (absl::StartsWith(site_.first, "backup")) VerifyBackup();
  }

  // The newest backup that was said to be made.
  void VerifyBackup() {
    if (newest_backup_ == 0) return;
    RestoreOptions restore;
    restore.backups = Path("backups");
    restore.id = newest_backup_;
    restore.store = Path("restored");
    const auto restored = RestoreBackup(restore);
    ASSERT_OK(restored);
    EXPECT_TRUE(restored->report.whole()) << restored->report.findings[0];
    auto store = OpenRocksStore(SmallRocksOptions(restore.store, &clock_));
    ASSERT_OK(store);
    const auto count = NumberedBatches::CountWhole(**store);
    ASSERT_OK(count);
    EXPECT_GE(*count, backed_up_);
    store->reset();
    std::filesystem::remove_all(restore.store);
  }

  const std::shared_ptr<FaultyFileSystem> calm_disk_ =
      std::make_shared<FaultyFileSystem>();
  Site site_;
  bool full_ = false;
  std::map<Site, int> counted_;
  int stores_ = 0;
  uint64_t acknowledged_ = 0;
  uint64_t may_be_there_ = 0;
  std::map<StreamUid, bool> streams_;  // removed or not, as acknowledged
  std::unique_ptr<BackupFolder> backups_;
  uint32_t newest_backup_ = 0;
  uint64_t backed_up_ = 0;
};

// A disk fills up where bytes or names are added.
bool MayBeFull(Call call) {
  return call == Call::kCreate || call == Call::kAppend ||
         call == Call::kSync || call == Call::kClose || call == Call::kRename;
}

TEST_F(IoSitesTest, EveryOneFailsOnce) {
  ASSERT_NO_FATAL_FAILURE(CountCalls());
  // All of them in a soak; one in eight otherwise, others with another seed.
  const bool all = Soaked(1) > 1;
  const int rounds = std::max(1, Soaked(1) / 10);
  std::map<std::string, std::string> reached;  // by kind of file
  int faults = 0;
  for (const auto& [site, calls] : sites()) {
    if (!all && random_() % 8 != 0) continue;
    const bool no_space = MayBeFull(site.second) && (all || random_() % 2 == 0);
    for (int round = 0; round < rounds; ++round) {
      if (!no_space || all) {
        EXPECT_TRUE(LiveWith(site, IOStatus::IOError("broken")))
            << FaultyFileSystem::NameOf(site);
        ++faults;
      }
      if (no_space) {
        EXPECT_TRUE(LiveWith(site, IOStatus::NoSpace("full")))
            << FaultyFileSystem::NameOf(site);
        ++faults;
      }
      ASSERT_FALSE(HasFatalFailure());
    }
    absl::StrAppend(&reached[site.first],
                    FaultyFileSystem::NameOf(site).substr(site.first.size()),
                    ",");
  }
  for (const auto& [kind, calls] : reached) {
    std::cout << kind << ":" << calls << "\n";
  }
  std::cout << sites().size() << " places, " << faults << " faults\n";
  EXPECT_GT(faults, 0);
  for (const char* kind : {"log", "sst", "blob", "MANIFEST"}) {
    EXPECT_TRUE(Has(kind, Call::kAppend)) << kind;
    EXPECT_TRUE(Has(kind, Call::kSync)) << kind;
  }
  EXPECT_TRUE(Has("blob", Call::kRangeSync));
  EXPECT_TRUE(Has("CURRENT", Call::kRename));
  EXPECT_TRUE(Has("folder", Call::kSync));
  EXPECT_TRUE(Has("backup sst", Call::kAppend));
}

TEST_F(IoSitesTest, ADiskWithoutRoomForAnotherFile) {
  ASSERT_NO_FATAL_FAILURE(CountCalls());
  EXPECT_TRUE(LiveWith({"log", Call::kCreate}, IOStatus::NoSpace("full")));
}

TEST_F(IoSitesTest, AFailedSyncIsNeverBelieved) {
  ASSERT_NO_FATAL_FAILURE(CountCalls());
  std::vector<Site> syncs;
  for (const auto& [site, calls] : sites()) {
    if (site.second == Call::kSync) syncs.push_back(site);
  }
  const int wanted = Soaked(4);
  for (int i = 0; i < wanted; ++i) {
    // Every other one in the log, which each acknowledgement hangs on.
    const Site site =
        i % 2 == 0 ? Site("log", Call::kSync) : syncs[random_() % syncs.size()];
    EXPECT_TRUE(LiveWith(site, IOStatus::IOError("broken")))
        << FaultyFileSystem::NameOf(site);
    ASSERT_FALSE(HasFatalFailure());
  }
  std::cout << wanted << " syncs failed\n";
}

}  // namespace
}  // namespace oxbow
