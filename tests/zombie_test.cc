// Processes that are stopped, taken for dead, and go on later: a writer whose
// stream another took over, and a server whose folder another wants.
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "base/soak.h"
#include "gtest/gtest.h"
#include "oxbow/v1/streams.grpc.pb.h"
#include "tests/testing/served_model.h"
#include "tests/testing/server_process.h"
#include "tests/testing/sync_engine.h"

namespace oxbow {
namespace {

constexpr int kRefused = 1;  // the client's exit code
constexpr absl::Duration kPatience = absl::Seconds(30);

// The real client, appending a file to a stream.
class WriterProcess {
 public:
  WriterProcess(const std::string& address, const std::string& stream,
                const std::string& file) {
    pid_ = fork();
    OXBOW_CHECK(pid_ >= 0);
    if (pid_ > 0) return;
    const std::string server = absl::StrCat("--server=", address);
    OXBOW_CHECK(freopen("/dev/null", "w", stdout) != nullptr);
    OXBOW_CHECK(freopen("/dev/null", "w", stderr) != nullptr);
    execl("clients/cli/oxbow", "oxbow", server.c_str(), "append",
          stream.c_str(), file.c_str(), "--chunk-bytes=256", nullptr);
    _exit(127);
  }
  ~WriterProcess() {
    if (pid_ > 0) kill(pid_, SIGKILL);
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }
  void Stop() { kill(pid_, SIGSTOP); }
  void Continue() { kill(pid_, SIGCONT); }
  // Its exit code; -1 if it goes on and on.
  int Wait() {
    int status = 0;
    const absl::Time end = absl::Now() + kPatience;
    while (waitpid(pid_, &status, WNOHANG) == 0) {
      if (absl::Now() > end) return -1;
      absl::SleepFor(absl::Milliseconds(1));
    }
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_;
};

class ZombieTest : public testing::Test {
 protected:
  ZombieTest() {
    // Far more than is read before the writer is stopped.
    std::ofstream(file_, std::ios::binary) << std::string(4 << 20, 'a');
  }

  uint64_t Durable(const std::string& name) {
    grpc::ClientContext context;
    v1::GetStreamRequest request;
    request.set_stream_id(name);
    v1::Stream stream;
    const grpc::Status status =
        served_.streams().GetStream(&context, request, &stream);
    return status.ok() ? stream.durable().byte_offset() : 0;
  }

  // While the server stands still, a second one must not have its folder.
  void StopServerAndTryAnother() {
    kill(served_.pid(), SIGSTOP);
    const auto second = ServerProcess::Start(served_.flags());
    EXPECT_FALSE(second.ok()) << "two servers in one folder";
    kill(served_.pid(), SIGCONT);
    ++servers_stopped_;
  }

  void TakeOver(const std::string& name) {
    WriterProcess zombie(served_.address(), name, file_);
    while (Durable(name) < 4096) absl::SleepFor(absl::Milliseconds(1));
    absl::SleepFor(absl::Milliseconds(random_() % 20));
    zombie.Stop();

    grpc::ClientContext context;
    const auto call = served_.streams().Append(&context);
    v1::AppendRequest request;
    request.mutable_open()->set_stream_id(name);
    ASSERT_TRUE(call->Write(request));
    v1::AppendResponse response;
    ASSERT_TRUE(call->Read(&response));
    const uint64_t taken_at = response.ack().durable().byte_offset();
    std::string mine;
    const auto write = [&]() {
      const std::string text(1 + random_() % 200, 'b');
      v1::AppendRequest chunk;
      chunk.mutable_chunk()->set_text(text);
      chunk.mutable_chunk()->mutable_position()->set_byte_offset(taken_at +
                                                                 mine.size());
      mine += text;
      ASSERT_TRUE(call->Write(chunk));
    };
    write();
    if (random_() % 4 == 0) StopServerAndTryAnother();
    zombie.Continue();
    for (int i = random_() % 10; i >= 0; --i) write();
    EXPECT_EQ(zombie.Wait(), kRefused);
    write();
    call->WritesDone();
    while (call->Read(&response)) {
    }
    const grpc::Status status = call->Finish();
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(response.ack().durable().byte_offset(), taken_at + mine.size());
    ASSERT_TRUE(served_.Text(name) == std::string(taken_at, 'a') + mine)
        << "a late chunk of the stopped writer is in " << name;
  }

  const std::string file_ =
      absl::StrCat(testing::TempDir(), "/zombie_test_", getpid());
  ServedModel served_{
      {absl::StrCat("--model=", WriteTestModel(/*embedder=*/false)),
       // Small, so that the writer is still sending when it is stopped.
       "--append-window-bytes=65536"}};
  std::mt19937_64 random_{SoakSeed(20261121)};
  int servers_stopped_ = 0;
};

TEST_F(ZombieTest, AStoppedWriterThatGoesOnWritesNothing) {
  const int rounds = Soaked(10);
  for (int round = 0; round < rounds; ++round) {
    const std::string name = absl::StrCat("stream", round);
    served_.Create(name);
    TakeOver(name);
    ASSERT_FALSE(HasFatalFailure()) << "round " << round;
  }
  StopServerAndTryAnother();
  std::cout << rounds << " writers stopped, taken over and continued; "
            << servers_stopped_
            << " times the server stopped while a second one tried its "
               "folder: 0 late chunks taken\n";
  served_.Drain();
}

}  // namespace
}  // namespace oxbow
