// A model served by a real oxbowd, and its calls, for tests.
#ifndef OXBOW_TESTS_TESTING_SERVED_MODEL_H_
#define OXBOW_TESTS_TESTING_SERVED_MODEL_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "oxbow/v1/models.grpc.pb.h"
#include "oxbow/v1/streams.grpc.pb.h"
#include "tests/testing/server_process.h"

namespace oxbow {

// What a Generate call said.
struct ServedGeneration {
  v1::Point start;
  std::vector<v1::GeneratedToken> tokens;
  v1::FinishedBranch finished;  // the last branch's

  std::string told() const;  // the tokens' text, end to end
};

// Each call waits for its answer. One that is refused fails the test with the
// server's words, and answers an empty message. Calls may come from several
// threads while none of them starts or ends the server.
class ServedModel {
 public:
  // Serves with these flags, in an empty store of the test's folder or of
  // another, and without sharing beginnings.
  explicit ServedModel(std::vector<std::string> flags,
                       const std::string& folder = "");

  // Drains the server and starts it again.
  void Restart();
  // The same with kill -9.
  void CrashAndRestart();
  // The halves of these. Between them there is no server to call; what other
  // threads have called ends.
  void Drain();
  void Kill();
  void Start();
  pid_t pid() const { return server_->pid(); }
  // What the server was started with.
  const std::vector<std::string>& flags() const { return flags_; }
  // For connections of one's own.
  const std::string& address() const { return server_->address(); }

  v1::GetModelResponse GetModel();
  std::vector<int> Tokenize(absl::string_view text);
  v1::DetokenizeResponse Detokenize(const std::vector<int>& ids);

  // `every_tokens`: of the embedding plan; 0: none.
  void Create(const std::string& name, int every_tokens = 0);
  // In chunks of these sizes, the rest in one; the last ack.
  v1::AppendAck Append(const std::string& name, absl::string_view text,
                       const std::vector<size_t>& sizes = {});
  v1::AppendAck AppendIds(const std::string& name, const std::vector<int>& ids);
  // The whole view.
  v1::Stream Get(const std::string& name);
  std::string Text(const std::string& name);
  v1::Stream Fork(const std::string& name, const v1::At& at,
                  const std::string& new_name);
  v1::EmbedResponse Embed(const v1::EmbedRequest& request);
  // The timeline, with the open span.
  std::vector<v1::TimelineEntry> Timeline(const std::string& name);
  v1::ScoreResponse Score(const v1::ScoreRequest& request);
  ServedGeneration Generate(const v1::GenerateRequest& request);

  // For calls that are to be refused.
  v1::Streams::Stub& streams() { return *streams_; }

 private:
  std::vector<std::string> flags_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<v1::Streams::Stub> streams_;
  std::unique_ptr<v1::Models::Stub> models_;
};

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_SERVED_MODEL_H_
