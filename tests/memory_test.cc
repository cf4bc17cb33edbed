// A long stream costs no more memory than a short one.
#include <grpcpp/grpcpp.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "oxbow/v1/streams.grpc.pb.h"
#include "tests/testing/random_text.h"
#include "tests/testing/server_process.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

constexpr size_t kShortBytes = 1000000;
constexpr size_t kLongBytes = 10000000;
// RocksDB's buffers (RocksStoreOptions: memtables 16 MiB, block cache 8 MiB),
// which a short stream does not fill and no stream overfills; and what the
// allocator keeps.
constexpr int64_t kSlackBytes = (16 + 8 + 8) << 20;

// Private memory of a process, in bytes, as the kernel counts it.
int64_t ResidentBytes(pid_t pid) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  std::string line;
  while (std::getline(status, line)) {
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    int64_t kilobytes = 0;
    if (words[0] == "RssAnon:" && absl::SimpleAtoi(words[1], &kilobytes)) {
      return kilobytes * 1024;
    }
  }
  return 0;
}

// Streams so many bytes into a server of its own; its memory at the end.
int64_t ResidentAfter(size_t bytes) {
  const std::string store =
      absl::StrCat(std::getenv("TEST_TMPDIR"), "/memory", bytes);
  auto server =
      ServerProcess::Start({absl::StrCat("--model=", WriteTestModel(false)),
                            absl::StrCat("--store=", store)});
  EXPECT_TRUE(server.ok()) << server.status();
  const auto stub = v1::Streams::NewStub(grpc::CreateChannel(
      (*server)->address(), grpc::InsecureChannelCredentials()));
  {
    grpc::ClientContext context;
    v1::CreateStreamRequest request;
    request.set_stream_id("long");
    v1::Stream stream;
    EXPECT_TRUE(stub->CreateStream(&context, request, &stream).ok());
  }
  std::mt19937_64 random(1);
  const std::string page = RandomText(100000, &random);
  grpc::ClientContext context;
  const auto call = stub->Append(&context);
  v1::AppendRequest request;
  request.mutable_open()->set_stream_id("long");
  call->Write(request);
  std::thread reader([&call]() {
    v1::AppendResponse response;
    while (call->Read(&response)) {
    }
  });
  for (size_t sent = 0; sent < bytes; sent += page.size()) {
    request.mutable_chunk()->set_text(page);
    EXPECT_TRUE(call->Write(request));
  }
  call->WritesDone();
  reader.join();
  EXPECT_TRUE(call->Finish().ok());
  const int64_t resident = ResidentBytes((*server)->pid());
  EXPECT_EQ((*server)->Terminate(), 0);
  return resident;
}

TEST(MemoryTest, IsFlat) {
  const int64_t of_short = ResidentAfter(kShortBytes);
  const int64_t of_long = ResidentAfter(kLongBytes);
  std::cout << kShortBytes << " bytes: " << of_short / 1048576 << " MiB; "
            << kLongBytes << " bytes: " << of_long / 1048576 << " MiB\n";
  EXPECT_LT(of_long, of_short + kSlackBytes);
}

}  // namespace
}  // namespace oxbow
