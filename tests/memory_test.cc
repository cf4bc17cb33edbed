// A long stream costs no more memory than a short one.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <iostream>
#include <random>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/resident_bytes.h"
#include "gtest/gtest.h"
#include "oxbow/v1/streams.grpc.pb.h"
#include "tests/testing/random_text.h"
#include "tests/testing/served_model.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

constexpr size_t kShortBytes = 1000000;
constexpr size_t kLongBytes = 10000000;
// The store's buffers are of fixed size and belong to the server, not to a
// stream: this much text fills them before anything is measured.
constexpr char kStoreMemory[] = "--store-memory=6MB";
constexpr size_t kWarmUpBytes = 6000000;
// What the allocator keeps and gives back in its own time.
constexpr int64_t kSlackBytes = 3 << 20;

class MemoryTest : public testing::Test {
 protected:
  // Streams so many bytes into a new stream; the server's memory then.
  int64_t ResidentAfter(const std::string& stream_id, size_t bytes) {
    served_.Create(stream_id);
    grpc::ClientContext context;
    const auto call = served_.streams().Append(&context);
    v1::AppendRequest request;
    request.mutable_open()->set_stream_id(stream_id);
    call->Write(request);
    std::thread reader([&call]() {
      v1::AppendResponse response;
      while (call->Read(&response)) {
      }
    });
    for (size_t sent = 0; sent < bytes; sent += page_.size()) {
      request.mutable_chunk()->set_text(page_);
      EXPECT_TRUE(call->Write(request));
    }
    call->WritesDone();
    reader.join();
    EXPECT_TRUE(call->Finish().ok());
    return SettledBytes();
  }

  // The least of some moments: the store may be compacting.
  int64_t SettledBytes() const {
    int64_t least = ResidentBytes(served_.pid());
    for (int i = 0; i < 15; ++i) {
      absl::SleepFor(absl::Milliseconds(100));
      least = std::min(least, ResidentBytes(served_.pid()));
    }
    return least;
  }

  std::mt19937_64 random_{1};
  const std::string page_ = RandomText(100000, &random_);
  ServedModel served_{
      {absl::StrCat("--model=", WriteTestModel(/*embedder=*/false)),
       kStoreMemory}};
};

TEST_F(MemoryTest, IsFlat) {
  const int64_t warm = ResidentAfter("warm", kWarmUpBytes);
  const int64_t of_short = ResidentAfter("short", kShortBytes) - warm;
  // What grows with a stream grows with each; a buffer of the store that is in
  // use at one end is not so at the other.
  const int64_t first = ResidentAfter("first", kLongBytes);
  const int64_t of_first = first - of_short - warm;
  const int64_t of_second = ResidentAfter("second", kLongBytes) - first;
  std::cout << "warm: " << warm / 1024 << " KiB; " << kShortBytes
            << " bytes more: " << of_short / 1024 << " KiB; " << kLongBytes
            << " bytes more: " << of_first / 1024 << " and " << of_second / 1024
            << " KiB\n";
  EXPECT_LT(std::min(of_first, of_second),
            std::max<int64_t>(of_short, 0) + kSlackBytes);
}

}  // namespace
}  // namespace oxbow
