// The other calls against a puppet engine, over a real connection.
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "engine/error_reason.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/puppet_server.h"
#include "service/server_limits.h"

namespace oxbow {
namespace {

using testing::ElementsAre;

class CallsTest : public testing::Test {
 protected:
  CallsTest() { server_.engine().set_text("s", "hello world"); }

  v1::Streams::Stub& streams() { return server_.streams(); }

  PuppetServer server_;
  grpc::ClientContext context_;
};

TEST_F(CallsTest, CreateGivesTheStreamBackAndMakesUpAnId) {
  v1::CreateStreamRequest request;
  v1::Stream stream;
  (*request.mutable_labels())["k"] = "v";
  request.mutable_embedding_plan()->set_every_tokens(64);
  ASSERT_TRUE(streams().CreateStream(&context_, request, &stream).ok());
  EXPECT_EQ(stream.stream_id().size(), 34u);
  EXPECT_EQ(stream.labels().at("k"), "v");
  EXPECT_EQ(stream.embedding_plan().every_tokens(), 64);
  EXPECT_FALSE(stream.has_expire_time());
}

TEST_F(CallsTest, CreateForAnotherModelIsRefused) {
  v1::CreateStreamRequest request;
  v1::Stream stream;
  request.set_model_id(std::string(32, 'x'));
  const grpc::Status status =
      streams().CreateStream(&context_, request, &stream);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(GrpcReason(status), "MODEL_MISMATCH");
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  EXPECT_EQ(info.metadata().at("server_model_id"),
            ToHex(Sha256("puppet model")));
}

TEST_F(CallsTest, FullViewHasTheStateDigest) {
  v1::GetStreamRequest request;
  request.set_stream_id("s");
  request.set_view(v1::GetStreamRequest::VIEW_FULL);
  v1::Stream stream;
  ASSERT_TRUE(streams().GetStream(&context_, request, &stream).ok());
  EXPECT_EQ(stream.state_digest(), AsBytes(Sha256("hello world")));
  EXPECT_EQ(stream.durable().byte_offset(), 11);
}

TEST_F(CallsTest, ListTurnsPages) {
  for (int i = 0; i < 7; ++i) {
    server_.engine().set_text("p" + std::to_string(i), "");
  }
  std::vector<std::string> seen;
  std::string token;
  do {
    grpc::ClientContext context;
    v1::ListStreamsRequest request;
    request.set_page_size(3);
    request.set_page_token(token);
    v1::ListStreamsResponse page;
    ASSERT_TRUE(streams().ListStreams(&context, request, &page).ok());
    EXPECT_LE(page.streams_size(), 3);
    for (const auto& stream : page.streams())
      seen.push_back(stream.stream_id());
    token = page.next_page_token();
  } while (!token.empty());
  EXPECT_THAT(seen, ElementsAre("p0", "p1", "p2", "p3", "p4", "p5", "p6", "s"));
}

TEST_F(CallsTest, ReadTextStreamsTheWholeDocumentInPieces) {
  std::string document;
  while (document.size() < 5432) document += "\xff\x00some bytes";
  server_.engine().set_text("s", document);
  v1::ReadTextRequest request;
  request.set_stream_id("s");
  request.set_from_byte(7);
  const auto reader = streams().ReadText(&context_, request);
  std::string read;
  int pieces = 0;
  for (v1::ReadTextResponse piece; reader->Read(&piece); ++pieces) {
    EXPECT_EQ(piece.byte_offset(), static_cast<int64_t>(7 + read.size()));
    read += piece.text();
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(read, document.substr(7));
  EXPECT_GT(pieces, 4);
}

TEST_F(CallsTest, ReadTextOfNothingIsOnePieceOfNothing) {
  v1::ReadTextRequest request;
  request.set_stream_id("s");
  request.set_from_byte(11);
  const auto reader = streams().ReadText(&context_, request);
  v1::ReadTextResponse piece;
  EXPECT_TRUE(reader->Read(&piece));
  EXPECT_EQ(piece.text(), "");
  EXPECT_FALSE(reader->Read(&piece));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(CallsTest, ReadTextPastTheEndIsOutOfRange) {
  v1::ReadTextRequest request;
  request.set_stream_id("s");
  request.set_to_byte(12);
  const auto reader = streams().ReadText(&context_, request);
  v1::ReadTextResponse piece;
  EXPECT_FALSE(reader->Read(&piece));
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(GrpcReason(status), "PAST_END");
}

TEST_F(CallsTest, RerankAnswersByScoreAndNamesThePoints) {
  server_.engine().set_text("t", "hello hello");
  v1::RerankRequest request;
  request.set_text("hello");
  for (const char* name : {"s", "t", "t"}) {
    request.add_streams()->set_stream_id(name);
  }
  request.mutable_streams(2)->mutable_at()->set_byte_offset(3);
  v1::RerankResponse reply;
  ASSERT_TRUE(streams().Rerank(&context_, request, &reply).ok());
  ASSERT_EQ(reply.ranked_size(), 3);
  EXPECT_EQ(reply.ranked(0).stream_id(), "t");
  EXPECT_EQ(reply.ranked(0).index(), 1);
  EXPECT_EQ(reply.ranked(0).logit(), 2);
  EXPECT_NEAR(reply.ranked(0).score(), 0.880797, 1e-6);
  EXPECT_TRUE(reply.ranked(0).plain());
  EXPECT_EQ(reply.ranked(1).index(), 0);
  EXPECT_EQ(reply.ranked(2).point().position().byte_offset(), 3);

  request.add_streams()->set_stream_id("none");
  grpc::ClientContext context;
  EXPECT_EQ(GrpcReason(streams().Rerank(&context, request, &reply)),
            "NO_STREAM");
}

TEST_F(CallsTest, APrefixComesBackWithThePlan) {
  v1::CreateStreamRequest request;
  request.set_stream_id("p");
  request.mutable_embedding_plan()->set_prefix("Document: ");
  v1::Stream stream;
  ASSERT_TRUE(streams().CreateStream(&context_, request, &stream).ok());
  EXPECT_EQ(stream.embedding_plan().prefix(), "Document: ");
  EXPECT_EQ(stream.embedding_plan().plan_case(),
            v1::EmbeddingPlan::PLAN_NOT_SET);
}

class TimelineTest : public CallsTest {
 protected:
  TimelineTest() {
    v1::CreateStreamRequest create;
    create.set_stream_id("t");
    create.mutable_embedding_plan()->set_every_tokens(10);
    v1::Stream stream;
    EXPECT_TRUE(streams().CreateStream(&context_, create, &stream).ok());
    server_.engine().set_text("t", std::string(105, 'a'));
    request_.set_stream_id("t");
  }
  std::vector<int> Begins() {
    grpc::ClientContext context;
    const auto reader = streams().ReadEmbeddings(&context, request_);
    std::vector<int> begins;
    for (v1::ReadEmbeddingsResponse page; reader->Read(&page);) {
      EXPECT_EQ(page.applied().position().byte_offset(), 105);
      for (const auto& entry : page.entries()) {
        EXPECT_EQ(entry.partial(), entry.token_begin() == 100);
        begins.push_back(entry.token_begin());
      }
    }
    EXPECT_TRUE(reader->Finish().ok());
    return begins;
  }
  v1::ReadEmbeddingsRequest request_;
};

TEST_F(TimelineTest, IsReadInPagesEachSpanOnce) {
  EXPECT_THAT(Begins(), ElementsAre(0, 10, 20, 30, 40, 50, 60, 70, 80, 90));
}

TEST_F(TimelineTest, PartialSpanComesLastAndOnce) {
  request_.set_include_partial(true);
  request_.set_from_token(75);
  EXPECT_THAT(Begins(), ElementsAre(80, 90, 100));
}

TEST_F(TimelineTest, EndsBeforeToToken) {
  request_.set_to_token(41);
  EXPECT_THAT(Begins(), ElementsAre(0, 10, 20, 30, 40));
}

TEST_F(TimelineTest, FollowWaitsUntilTheClientIsGone) {
  std::atomic<bool> asked{false};
  server_.engine().on_request = [&asked](const std::string& method) {
    if (method == "ReadEmbeddings") asked = true;
    return absl::OkStatus();
  };
  request_.set_follow(true);
  request_.set_from_token(80);
  grpc::ClientContext context;
  const auto reader = streams().ReadEmbeddings(&context, request_);
  while (!asked) absl::SleepFor(absl::Milliseconds(1));
  context.TryCancel();
  v1::ReadEmbeddingsResponse page;
  while (reader->Read(&page)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  while (server_.engine().cancelled_count() == 0) {
    absl::SleepFor(absl::Milliseconds(1));
  }
}

TEST_F(CallsTest, GenerateStreamsTokensOfAllBranchesInOrder) {
  v1::GenerateRequest request;
  request.set_stream_id("s");
  request.set_branches(3);
  request.set_max_tokens(500);
  request.set_top_logprobs(2);
  const auto reader = streams().Generate(&context_, request);
  v1::GenerateResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.start().position().byte_offset(), 11);
  std::vector<int> next(3, 0);
  int finished = 0;
  while (reader->Read(&response)) {
    if (response.has_finished()) {
      ++finished;
      EXPECT_EQ(response.finished().finish_reason(), v1::FINISH_REASON_LENGTH);
      EXPECT_EQ(response.finished().text().size(), 500u);
      continue;
    }
    const v1::GeneratedToken& token = response.token();
    EXPECT_EQ(token.index(), next[token.branch()]++);
    EXPECT_EQ(token.top_logprobs_size(), 2);
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_THAT(next, ElementsAre(500, 500, 500));
  EXPECT_EQ(finished, 3);
}

TEST_F(CallsTest, AGenerationIsResumedByItsId) {
  v1::GenerateRequest request;
  request.set_stream_id("s");
  request.set_branches(2);
  request.set_max_tokens(5);
  request.set_request_id("g");
  grpc::ClientContext first;
  const auto whole = streams().Generate(&first, request);
  v1::GenerateResponse response;
  while (whole->Read(&response)) {
  }
  EXPECT_TRUE(whole->Finish().ok());
  v1::GenerateRequest resume;
  resume.set_stream_id("s");
  resume.set_request_id("g");
  resume.mutable_resume()->add_from_index(3);
  const auto reader = streams().Generate(&context_, resume);
  std::vector<std::vector<int>> told(2);
  while (reader->Read(&response)) {
    if (!response.has_token()) continue;
    told[response.token().branch()].push_back(response.token().index());
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_THAT(told[0], ElementsAre(3, 4));
  EXPECT_THAT(told[1], ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(CallsTest, AResumeThatNamesNothingIsRefused) {
  const auto reason_for = [this](const v1::GenerateRequest& request) {
    grpc::ClientContext context;
    return GrpcReason(streams().Generate(&context, request)->Finish());
  };
  v1::GenerateRequest request;
  request.set_stream_id("s");
  request.mutable_resume();
  EXPECT_EQ(reason_for(request), "BAD_FIELD");
  request.set_request_id("g");
  EXPECT_EQ(reason_for(request), "NO_GENERATION");
  request.mutable_resume()->add_from_index(-1);
  EXPECT_EQ(reason_for(request), "BAD_FIELD");
  request.mutable_resume()->clear_from_index();
  for (int i = 0; i < 17; ++i) request.mutable_resume()->add_from_index(0);
  EXPECT_EQ(reason_for(request), "BAD_FIELD");
}

TEST_F(CallsTest, CancelledGenerateStopsTheEngine) {
  server_.engine().set_endless(true);
  v1::GenerateRequest request;
  request.set_stream_id("s");
  const auto reader = streams().Generate(&context_, request);
  v1::GenerateResponse response;
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_TRUE(reader->Read(&response));
  context_.TryCancel();
  while (reader->Read(&response)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  while (server_.engine().cancelled_count() == 0) {
    absl::SleepFor(absl::Milliseconds(1));
  }
}

TEST_F(CallsTest, AnExpiredDeadlineStopsTheEngine) {
  server_.engine().set_endless(true);
  v1::GenerateRequest request;
  request.set_stream_id("s");
  context_.set_deadline(std::chrono::system_clock::now() +
                        std::chrono::milliseconds(500));
  const auto reader = streams().Generate(&context_, request);
  v1::GenerateResponse response;
  ASSERT_TRUE(reader->Read(&response))
      << "too slow a machine for half a second";
  while (reader->Read(&response)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  while (server_.engine().cancelled_count() == 0) {
    absl::SleepFor(absl::Milliseconds(1));
  }
}

TEST_F(CallsTest, EmbedOfTextsHasNoPointAndOneVectorEach) {
  v1::EmbedRequest request;
  request.mutable_texts()->add_texts("abc");
  request.mutable_texts()->add_texts("\xff\xfe");
  v1::EmbedResponse response;
  ASSERT_TRUE(streams().Embed(&context_, request, &response).ok());
  EXPECT_EQ(response.embeddings_size(), 2);
  EXPECT_FALSE(response.has_point());
  EXPECT_EQ(response.pooling(), v1::POOLING_MEAN);
  EXPECT_TRUE(response.raw());
}

TEST_F(CallsTest, EmbedOfAStreamSaysWhereItWasRead) {
  v1::EmbedRequest request;
  request.mutable_stream()->set_stream_id("s");
  request.mutable_stream()->mutable_at()->set_byte_offset(5);
  request.set_pooling(v1::POOLING_LAST);
  v1::EmbedResponse response;
  ASSERT_TRUE(streams().Embed(&context_, request, &response).ok());
  EXPECT_EQ(response.point().position().byte_offset(), 5);
  EXPECT_EQ(response.pooling(), v1::POOLING_LAST);
}

TEST_F(CallsTest, ScoreForkCheckpointAndDeleteReachTheEngine) {
  v1::ScoreRequest score;
  score.set_stream_id("s");
  score.mutable_texts()->add_texts("xyz");
  v1::ScoreResponse scores;
  grpc::ClientContext c1;
  ASSERT_TRUE(streams().Score(&c1, score, &scores).ok());
  EXPECT_EQ(scores.scores(0).logprob(), -3.0);
  EXPECT_EQ(scores.scores(0).tokens_size(), 3);

  v1::ForkRequest fork;
  fork.set_stream_id("s");
  fork.set_new_stream_id("f");
  fork.mutable_at()->set_byte_offset(4);
  v1::Stream child;
  grpc::ClientContext c2;
  ASSERT_TRUE(streams().Fork(&c2, fork, &child).ok());
  EXPECT_EQ(child.forked_from(), "s");
  EXPECT_EQ(child.fork_position().byte_offset(), 4);
  EXPECT_EQ(server_.engine().text("f"), "hell");

  v1::CheckpointRequest checkpoint;
  checkpoint.set_stream_id("s");
  checkpoint.set_label("chapter-1");
  v1::CheckpointInfo info;
  grpc::ClientContext c3;
  ASSERT_TRUE(streams().Checkpoint(&c3, checkpoint, &info).ok());
  EXPECT_THAT(info.labels(), ElementsAre("chapter-1"));
  v1::ListCheckpointsRequest list;
  list.set_stream_id("s");
  v1::ListCheckpointsResponse infos;
  grpc::ClientContext c4;
  ASSERT_TRUE(streams().ListCheckpoints(&c4, list, &infos).ok());
  EXPECT_EQ(infos.checkpoints_size(), 1);

  v1::DeleteCheckpointRequest unlabel;
  unlabel.set_stream_id("s");
  unlabel.set_label("chapter-1");
  google::protobuf::Empty empty;
  grpc::ClientContext c5;
  ASSERT_TRUE(streams().DeleteCheckpoint(&c5, unlabel, &empty).ok());
  v1::DeleteStreamRequest remove;
  remove.set_stream_id("s");
  grpc::ClientContext c6;
  ASSERT_TRUE(streams().DeleteStream(&c6, remove, &empty).ok());
  grpc::ClientContext c7;
  EXPECT_EQ(GrpcReason(streams().DeleteStream(&c7, remove, &empty)),
            "NO_STREAM");
}

TEST_F(CallsTest, AStateGoesOutAndInInPieces) {
  std::string text(5 << 19, 'x');  // two and a half pieces
  text[7] = 'y';
  server_.engine().set_text("long", text);
  v1::ExportStateRequest request;
  request.set_stream_id("long");
  grpc::ClientContext out;
  const auto reader = streams().ExportState(&out, request);
  std::vector<v1::ExportStateResponse> pieces(1);
  while (reader->Read(&pieces.back())) pieces.emplace_back();
  ASSERT_TRUE(reader->Finish().ok());
  EXPECT_EQ(pieces.size(), 4u);

  grpc::ClientContext in;
  v1::Stream stream;
  const auto writer = streams().ImportState(&in, &stream);
  v1::ImportStateRequest message;
  message.mutable_create()->set_stream_id("back");
  writer->Write(message);
  for (const v1::ExportStateResponse& piece : pieces) {
    message.set_data(piece.data());
    writer->Write(message);
  }
  writer->WritesDone();
  // The puppet's model has no state worth so many bytes.
  EXPECT_EQ(GrpcReason(writer->Finish()), "BAD_STATE_FILE");
}

TEST_F(CallsTest, AnImportBeginsWithCreateAndOnlyThat) {
  const auto import = [this](const std::vector<v1::ImportStateRequest>& sent) {
    grpc::ClientContext context;
    v1::Stream stream;
    const auto writer = streams().ImportState(&context, &stream);
    for (const auto& message : sent) writer->Write(message);
    writer->WritesDone();
    return writer->Finish();
  };
  v1::ImportStateRequest create, data;
  create.mutable_create()->set_stream_id("i");
  data.set_data("state");
  EXPECT_EQ(GrpcReason(import({})), "BAD_FIELD");
  EXPECT_EQ(GrpcReason(import({data})), "BAD_FIELD");
  EXPECT_EQ(GrpcReason(import({create, create})), "BAD_FIELD");
  EXPECT_TRUE(import({create, data}).ok());
  EXPECT_EQ(server_.engine().text("i"), "state");
}

TEST_F(CallsTest, StateFilesAreFewAtATime) {
  v1::ImportStateRequest create;
  create.mutable_create()->set_stream_id("i");
  const auto import = [&] {
    grpc::ClientContext context;
    v1::Stream stream;
    const auto writer = streams().ImportState(&context, &stream);
    writer->Write(create);
    writer->WritesDone();
    return GrpcReason(writer->Finish());
  };
  std::vector<grpc::ClientContext> contexts(kTransfersMax);
  std::vector<v1::Stream> answers(kTransfersMax);
  std::vector<std::unique_ptr<grpc::ClientWriter<v1::ImportStateRequest>>>
      writers;
  for (int i = 0; i < kTransfersMax; ++i) {
    writers.push_back(streams().ImportState(&contexts[i], &answers[i]));
    writers.back()->Write(create);
  }
  // The server sees what was sent, and lets go of what has ended, in its own
  // time. Until then a try may have the place of one of the eight.
  const auto import_until = [&](const std::string& wanted) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    std::string reason = import();
    while (reason != wanted && absl::Now() < deadline) reason = import();
    return reason;
  };
  EXPECT_EQ(import_until("TOO_MANY_TRANSFERS"), "TOO_MANY_TRANSFERS");
  for (auto& writer : writers) {
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    EXPECT_TRUE(status.ok() || GrpcReason(status) == "TOO_MANY_TRANSFERS");
  }
  EXPECT_EQ(import_until(""), "");
}

TEST_F(CallsTest, TokenizeAndDetokenizeAreInverse) {
  std::string text;
  for (int i = 0; i < 256; ++i) text.push_back(static_cast<char>(i));
  v1::TokenizeRequest tokenize;
  tokenize.set_text(text);
  v1::TokenizeResponse tokens;
  ASSERT_TRUE(server_.models().Tokenize(&context_, tokenize, &tokens).ok());
  ASSERT_EQ(tokens.tokens_size(), 256);
  v1::DetokenizeRequest detokenize;
  *detokenize.mutable_tokens() = tokens.tokens();
  detokenize.add_tokens(256);
  v1::DetokenizeResponse back;
  grpc::ClientContext context;
  ASSERT_TRUE(server_.models().Detokenize(&context, detokenize, &back).ok());
  EXPECT_EQ(back.text(), text);
  EXPECT_EQ(back.byte_lengths(0), 1);
  EXPECT_EQ(back.byte_lengths(256), 0);
}

TEST_F(CallsTest, ModelAndLimitsTellTheTruth) {
  v1::GetModelResponse model;
  ASSERT_TRUE(
      server_.models().GetModel(&context_, v1::GetModelRequest(), &model).ok());
  EXPECT_EQ(model.generator().version(), "puppet");
  EXPECT_EQ(model.generator().model_id(), AsBytes(Sha256("puppet model")));
  EXPECT_FALSE(model.has_embedder());
  EXPECT_EQ(model.tokenizer().end_of_document(), 256);
  v1::GetLimitsResponse limits;
  grpc::ClientContext context;
  ASSERT_TRUE(server_.models()
                  .GetLimits(&context, v1::GetLimitsRequest(), &limits)
                  .ok());
  EXPECT_EQ(limits.message_in_bytes_max(), 4 << 20);
  EXPECT_EQ(limits.chunk_bytes_max(), 1 << 20);
  EXPECT_EQ(limits.page_size_max(), 1000);
}

TEST_F(CallsTest, AnEngineErrorOfAnyCallKeepsCodeAndReason) {
  server_.engine().on_request = [](const std::string& method) {
    return WithReason(absl::DataLossError(method + " failed"), "BAD_CHAIN");
  };
  v1::GetStreamRequest get;
  get.set_stream_id("s");
  v1::Stream stream;
  const grpc::Status unary = streams().GetStream(&context_, get, &stream);
  EXPECT_EQ(unary.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_EQ(unary.error_message(), "GetStream failed");
  EXPECT_EQ(GrpcReason(unary), "BAD_CHAIN");
  v1::ReadTextRequest read;
  read.set_stream_id("s");
  grpc::ClientContext c1;
  EXPECT_EQ(GrpcReason(streams().ReadText(&c1, read)->Finish()), "BAD_CHAIN");
  v1::GenerateRequest generate;
  generate.set_stream_id("s");
  grpc::ClientContext c2;
  EXPECT_EQ(GrpcReason(streams().Generate(&c2, generate)->Finish()),
            "BAD_CHAIN");
}

}  // namespace
}  // namespace oxbow
