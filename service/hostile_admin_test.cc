// Hostile requests to the Admin service, over a store on disk.
#include <memory>

#include "base/soak.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "oxbow/v1/admin.grpc.pb.h"
#include "service/admin_server.h"
#include "service/hostile_caller.h"
#include "store/testing/rocks_store_fixture.h"

namespace oxbow {
namespace {

class HostileAdminTest : public RocksStoreTest {
 protected:
  HostileAdminTest() {
    EXPECT_OK(Open());
    StoreBatch batch;
    StreamRecord stream;
    stream.uid = *store_->NewUid();
    stream.name = "book";
    batch.put_streams.push_back(stream);
    EXPECT_OK(store_->Write(batch, /*sync=*/true));
    EXPECT_OK(Append("a line"));
    Options options;
    options.admin_listen.emplace();
    options.admin_listen->port = 0;
    options.backup_path = Path("backups");
    auto server = AdminServer::Start(options, store_.get(), &clock_);
    OXBOW_CHECK_OK(server.status());
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(server_->address(),
                                   grpc::InsecureChannelCredentials());
    caller_ = std::make_unique<HostileCaller>(
        channel_,
        HostileCaller::Services{
            v1::BackupRequest::descriptor()->file()->FindServiceByName(
                "Admin")},
        [] {});
  }
  // It still backs up, and the backup's store holds the line.
  void ExpectItServes() {
    grpc::ClientContext context;
    v1::BackupRequest request;
    request.set_keep(1);
    v1::BackupResponse response;
    const grpc::Status status =
        v1::Admin::NewStub(channel_)->Backup(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(Text(), "a line");
  }

  std::unique_ptr<AdminServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<HostileCaller> caller_;
};

TEST_F(HostileAdminTest, EveryFieldOfEveryRequest) {
  const HostileCaller::Counts counts = caller_->EveryFieldOfEveryRequest();
  EXPECT_EQ(counts.refused, 3) << counts.calls;  // `keep` below zero
  ExpectItServes();
}

TEST_F(HostileAdminTest, BytesThatAreNoMessage) {
  caller_->BytesThatAreNoMessage();
  ExpectItServes();
}

TEST_F(HostileAdminTest, TurnedBits) {
  const HostileCaller::Counts counts =
      caller_->TurnedBits(Soaked(50), SoakSeed(20261121));
  EXPECT_GT(counts.refused, 0);
  ExpectItServes();
}

}  // namespace
}  // namespace oxbow
