#include "tests/testing/served_model.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

// One unary call.
template <class Stub, class Request, class Response>
Response Call(Stub* stub,
              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                           Response*),
              const Request& request) {
  grpc::ClientContext context;
  Response response;
  const grpc::Status status = (stub->*method)(&context, request, &response);
  EXPECT_TRUE(status.ok()) << request.ShortDebugString() << "\n"
                           << status.error_message();
  return response;
}

// The last ack of an Append call that sends these chunks.
v1::AppendAck AppendChunks(v1::Streams::Stub* stub, const std::string& name,
                           const std::vector<v1::AppendRequest>& chunks) {
  grpc::ClientContext context;
  const auto call = stub->Append(&context);
  v1::AppendRequest open;
  open.mutable_open()->set_stream_id(name);
  bool sent = call->Write(open);
  for (const v1::AppendRequest& chunk : chunks) {
    sent = sent && call->Write(chunk);
  }
  EXPECT_TRUE(sent);
  call->WritesDone();
  v1::AppendResponse response;
  while (call->Read(&response)) {
  }
  const grpc::Status status = call->Finish();
  EXPECT_TRUE(status.ok()) << name << ": " << status.error_message();
  return response.ack();
}

}  // namespace

std::string ServedGeneration::told() const {
  std::string text;
  for (const v1::GeneratedToken& token : tokens) text += token.text();
  return text;
}

ServedModel::ServedModel(std::vector<std::string> flags,
                         const std::string& folder)
    : flags_(std::move(flags)) {
  static int stores = 0;
  const std::string store =
      absl::StrCat(folder.empty() ? std::getenv("TEST_TMPDIR") : folder,
                   "/served_store", stores++);
  std::filesystem::remove_all(store);
  flags_.push_back("--store=" + store);
  // So that tests compare what each stream computes.
  flags_.push_back("--share-beginnings=false");
  Start();
}

void ServedModel::Start() {
  auto server = ServerProcess::Start(flags_);
  OXBOW_CHECK_OK(server.status());
  server_ = *std::move(server);
  const auto channel = grpc::CreateChannel(server_->address(),
                                           grpc::InsecureChannelCredentials());
  streams_ = v1::Streams::NewStub(channel);
  models_ = v1::Models::NewStub(channel);
}

void ServedModel::Drain() {
  // A connection that nobody polls does not see the server's goodbye, and the
  // server waits for it.
  streams_.reset();
  models_.reset();
  EXPECT_EQ(server_->Terminate(), 0);
}

void ServedModel::Restart() {
  Drain();
  Start();
}

void ServedModel::Kill() { server_->Kill(); }

void ServedModel::CrashAndRestart() {
  Kill();
  Start();
}

v1::GetModelResponse ServedModel::GetModel() {
  return Call(models_.get(), &v1::Models::Stub::GetModel,
              v1::GetModelRequest());
}

std::vector<int> ServedModel::Tokenize(absl::string_view text) {
  v1::TokenizeRequest request;
  request.set_text(std::string(text));
  const auto response =
      Call(models_.get(), &v1::Models::Stub::Tokenize, request);
  return {response.tokens().begin(), response.tokens().end()};
}

v1::DetokenizeResponse ServedModel::Detokenize(const std::vector<int>& ids) {
  v1::DetokenizeRequest request;
  *request.mutable_tokens() = {ids.begin(), ids.end()};
  return Call(models_.get(), &v1::Models::Stub::Detokenize, request);
}

void ServedModel::Create(const std::string& name, int every_tokens) {
  v1::CreateStreamRequest request;
  request.set_stream_id(name);
  if (every_tokens > 0) {
    request.mutable_embedding_plan()->set_every_tokens(every_tokens);
  }
  Call(streams_.get(), &v1::Streams::Stub::CreateStream, request);
}

v1::AppendAck ServedModel::Append(const std::string& name,
                                  absl::string_view text,
                                  const std::vector<size_t>& sizes) {
  std::vector<v1::AppendRequest> chunks;
  const auto cut = [&](size_t size) {
    chunks.emplace_back().mutable_chunk()->set_text(
        std::string(text.substr(0, size)));
    text.remove_prefix(std::min(size, text.size()));
  };
  for (const size_t size : sizes) cut(size);
  if (!text.empty()) cut(text.size());
  return AppendChunks(streams_.get(), name, chunks);
}

v1::AppendAck ServedModel::AppendIds(const std::string& name,
                                     const std::vector<int>& ids) {
  v1::AppendRequest request;
  *request.mutable_chunk()->mutable_tokens()->mutable_ids() = {ids.begin(),
                                                               ids.end()};
  return AppendChunks(streams_.get(), name, {request});
}

v1::Stream ServedModel::Get(const std::string& name) {
  v1::GetStreamRequest request;
  request.set_stream_id(name);
  request.set_view(v1::GetStreamRequest::VIEW_FULL);
  return Call(streams_.get(), &v1::Streams::Stub::GetStream, request);
}

std::string ServedModel::Text(const std::string& name) {
  grpc::ClientContext context;
  v1::ReadTextRequest request;
  request.set_stream_id(name);
  const auto call = streams_->ReadText(&context, request);
  v1::ReadTextResponse response;
  std::string text;
  while (call->Read(&response)) text += response.text();
  const grpc::Status status = call->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return text;
}

v1::Stream ServedModel::Fork(const std::string& name, const v1::At& at,
                             const std::string& new_name) {
  v1::ForkRequest request;
  request.set_stream_id(name);
  *request.mutable_at() = at;
  request.set_new_stream_id(new_name);
  return Call(streams_.get(), &v1::Streams::Stub::Fork, request);
}

v1::EmbedResponse ServedModel::Embed(const v1::EmbedRequest& request) {
  return Call(streams_.get(), &v1::Streams::Stub::Embed, request);
}

std::vector<v1::TimelineEntry> ServedModel::Timeline(const std::string& name) {
  grpc::ClientContext context;
  v1::ReadEmbeddingsRequest request;
  request.set_stream_id(name);
  request.set_include_partial(true);
  const auto call = streams_->ReadEmbeddings(&context, request);
  v1::ReadEmbeddingsResponse response;
  std::vector<v1::TimelineEntry> entries;
  while (call->Read(&response)) {
    entries.insert(entries.end(), response.entries().begin(),
                   response.entries().end());
  }
  const grpc::Status status = call->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return entries;
}

v1::ScoreResponse ServedModel::Score(const v1::ScoreRequest& request) {
  return Call(streams_.get(), &v1::Streams::Stub::Score, request);
}

ServedGeneration ServedModel::Generate(const v1::GenerateRequest& request) {
  grpc::ClientContext context;
  const auto call = streams_->Generate(&context, request);
  v1::GenerateResponse response;
  ServedGeneration generation;
  while (call->Read(&response)) {
    if (response.has_start()) generation.start = response.start();
    if (response.has_token()) generation.tokens.push_back(response.token());
    if (response.has_finished()) generation.finished = response.finished();
  }
  const grpc::Status status = call->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return generation;
}

}  // namespace oxbow
