// The Admin service over a store on disk, and its own listener.
#include "service/admin_server.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "oxbow/v1/admin.grpc.pb.h"
#include "oxbow/v1/streams.grpc.pb.h"
#include "store/restore_backup.h"
#include "store/testing/rocks_store_fixture.h"

namespace oxbow {
namespace {

std::string ReasonIn(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  details.ParseFromString(status.error_details());
  for (const auto& any : details.details()) any.UnpackTo(&info);
  return info.reason();
}

class AdminServerTest : public RocksStoreTest {
 protected:
  AdminServerTest() {
    EXPECT_OK(Open());
    server_options_.admin_listen.emplace();
    server_options_.admin_listen->port = 0;
    server_options_.backup_path = Path("backups");
    Serve();
    StoreBatch batch;
    StreamRecord stream;
    stream.uid = *store_->NewUid();
    stream.name = "book";
    stream.expires = clock_.Now() + absl::Hours(1);
    batch.put_streams.push_back(stream);
    EXPECT_OK(store_->Write(batch, /*sync=*/true));
  }

  void Serve() {
    server_.reset();
    auto server = AdminServer::Start(server_options_, store_.get(), &clock_);
    ASSERT_OK(server);
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(server_->address(),
                                   grpc::InsecureChannelCredentials());
    admin_ = v1::Admin::NewStub(channel_);
  }
  grpc::Status Backup(int keep = 0) {
    grpc::ClientContext context;
    v1::BackupRequest request;
    request.set_keep(keep);
    return admin_->Backup(&context, request, &backup_);
  }
  std::vector<uint32_t> Ids() {
    grpc::ClientContext context;
    v1::ListBackupsResponse response;
    EXPECT_TRUE(admin_->ListBackups(&context, {}, &response).ok());
    std::vector<uint32_t> ids;
    for (const auto& backup : response.backups()) ids.push_back(backup.id());
    return ids;
  }
  v1::SweepResponse Sweep(bool dry_run) {
    grpc::ClientContext context;
    v1::SweepRequest request;
    request.set_dry_run(dry_run);
    v1::SweepResponse response;
    EXPECT_TRUE(admin_->Sweep(&context, request, &response).ok());
    return response;
  }

  Options server_options_;
  std::unique_ptr<AdminServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Admin::Stub> admin_;
  v1::BackupResponse backup_;
};

TEST_F(AdminServerTest, ABackupOfTheStoreInUseIsAStore) {
  ASSERT_OK(Append("a line"));
  ASSERT_TRUE(Backup().ok());
  EXPECT_EQ(backup_.backup().id(), 1u);
  EXPECT_GT(backup_.backup().bytes(), 0u);
  EXPECT_GT(backup_.backup().made().seconds(), 1600000000);
  ASSERT_OK(Append(" and another"));
  RestoreOptions options;
  options.backups = Path("backups");
  options.store = Path("restored");
  const auto restored = RestoreBackup(options);
  ASSERT_OK(restored);
  EXPECT_TRUE(restored->report.whole());
  EXPECT_EQ(restored->report.log_bytes, 6u);
}

TEST_F(AdminServerTest, OldBackupsGoIfWished) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Backup().ok());
  EXPECT_EQ(Ids(), (std::vector<uint32_t>{1, 2, 3}));
  ASSERT_TRUE(Backup(/*keep=*/2).ok());
  EXPECT_EQ(Ids(), (std::vector<uint32_t>{3, 4}));
  EXPECT_EQ(ReasonIn(Backup(-1)), "BAD_FIELD");
}

TEST_F(AdminServerTest, WithoutAFolderThereAreNoBackups) {
  server_options_.backup_path.clear();
  Serve();
  const grpc::Status status = Backup();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonIn(status), "NO_BACKUP_FOLDER");
}

TEST_F(AdminServerTest, ASweepTellsAndOnlyThenDoes) {
  clock_.Advance(7200);
  const v1::SweepResponse plan = Sweep(/*dry_run=*/true);
  ASSERT_EQ(plan.expired_names_size(), 1);
  EXPECT_EQ(plan.expired_names(0), "book");
  EXPECT_EQ(plan.removed_uids(), 1u);
  EXPECT_EQ(Sweep(true).removed_uids(), 1u);
  EXPECT_EQ(Sweep(false).removed_uids(), 1u);
  EXPECT_EQ(Sweep(true).removed_uids(), 0u);
}

// Whoever may call streams may not call this, and the other way round.
TEST_F(AdminServerTest, NothingElseIsServedThere) {
  const auto streams = v1::Streams::NewStub(channel_);
  grpc::ClientContext context;
  v1::Stream stream;
  EXPECT_EQ(streams->GetStream(&context, {}, &stream).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(AdminServerTest, TooManyCallsAreRefusedAndTheOthersAnswered) {
  std::vector<std::thread> callers;
  std::atomic<int> done{0}, refused{0};
  for (int i = 0; i < 30; ++i) {
    callers.emplace_back([&] {
      grpc::ClientContext context;
      v1::BackupResponse response;
      const grpc::Status status = admin_->Backup(&context, {}, &response);
      if (status.ok()) {
        ++done;
      } else {
        EXPECT_EQ(ReasonIn(status), "TOO_BUSY") << status.error_message();
        ++refused;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_GT(done, 0);
  EXPECT_EQ(done + refused, 30);
}

TEST_F(AdminServerTest, AnAddressInUseIsRefused) {
  Options options = server_options_;
  options.backup_path.clear();
  const std::string address = server_->address();
  options.admin_listen->port =
      std::stoi(address.substr(address.rfind(':') + 1));
  EXPECT_THAT(AdminServer::Start(options, store_.get(), &clock_),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace oxbow
