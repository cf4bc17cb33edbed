#include "store/encode_records.h"

#include <random>
#include <string>

#include "gtest/gtest.h"
#include "store/records.pb.h"
#include "store/seal.h"
#include "store/testing/log_author.h"
#include "store/testing/status_is.h"

namespace oxbow {
namespace {

using absl::StatusCode;

// What the contract test does not reach: values that only a stranger writes,
// and the bytes themselves.
TEST(EncodeRecordsTest, NonsenseIsDataLoss) {
  store::LogRecord proto;
  proto.set_kind(store::LogRecord::TEXT);
  proto.set_text("four");
  proto.set_byte_length(4);
  proto.set_chain(std::string(32, 'c'));
  ASSERT_OK(DecodeLogRecord("key", Seal("key", proto)));

  store::LogRecord changed = proto;
  changed.set_byte_length(5);
  EXPECT_THAT(DecodeLogRecord("key", Seal("key", changed)),
              StatusIs(StatusCode::kDataLoss));
  changed = proto;
  changed.add_ids(1);
  EXPECT_THAT(DecodeLogRecord("key", Seal("key", changed)),
              StatusIs(StatusCode::kDataLoss));
  changed = proto;
  changed.set_chain("short");
  EXPECT_THAT(DecodeLogRecord("key", Seal("key", changed)),
              StatusIs(StatusCode::kDataLoss));
  changed = proto;
  changed.mutable_begin()->set_byte_offset(~0ull);
  EXPECT_THAT(DecodeLogRecord("key", Seal("key", changed)),
              StatusIs(StatusCode::kDataLoss));
  changed = proto;
  changed.set_kind(store::LogRecord::TOKENS);
  EXPECT_THAT(DecodeLogRecord("key", Seal("key", changed)),
              StatusIs(StatusCode::kDataLoss));
}

TEST(EncodeRecordsTest, ALaterKindIsUnimplemented) {
  store::LogRecord record;
  record.set_kind(static_cast<store::LogRecord::Kind>(99));
  EXPECT_THAT(DecodeLogRecord("key", Seal("key", record)),
              StatusIs(StatusCode::kUnimplemented));
  store::Stream stream;
  stream.mutable_plan()->set_kind(static_cast<store::EmbeddingPlan::Kind>(99));
  EXPECT_THAT(DecodeStream("key", Seal("key", stream)),
              StatusIs(StatusCode::kUnimplemented));
}

TEST(EncodeRecordsTest, RandomBytesAreRefusedWhole) {
  std::mt19937 random(3);
  for (int i = 0; i < 20000; ++i) {
    std::string value(random() % 80, '\0');
    for (char& c : value) c = static_cast<char>(random());
    if (!value.empty()) value[0] = 1;
    EXPECT_THAT(DecodeStream("key", value), StatusIs(StatusCode::kDataLoss));
    EXPECT_THAT(DecodeLogRecord("key", value), StatusIs(StatusCode::kDataLoss));
    EXPECT_THAT(DecodeCheckpoint("key", value),
                StatusIs(StatusCode::kDataLoss));
    EXPECT_THAT(DecodeEmbedding("key", value), StatusIs(StatusCode::kDataLoss));
  }
}

TEST(EncodeRecordsTest, UnownedKnowsWhetherThereWasAStream) {
  EXPECT_EQ(*DecodeUnowned("key", EncodeUnowned("key", absl::nullopt)),
            absl::nullopt);
  EXPECT_EQ(*DecodeUnowned("key", EncodeUnowned("key", absl::UnixEpoch())),
            absl::UnixEpoch());
}

TEST(EncodeRecordsTest, APrefixIsKeptWithItsReader) {
  StreamRecord stream;
  stream.plan = {EmbeddingPlan::Kind::kEveryTokens, 7,
                 "Document: ", "embedder"};
  const std::string value = EncodeStream("key", stream);
  const auto read = DecodeStream("key", value);
  ASSERT_OK(read);
  EXPECT_EQ(read->plan, stream.plan);
  EXPECT_EQ(read->plan.prefix, "Document: ");
  EXPECT_EQ(read->plan.prefix_reader, "embedder");
  // What a release without prefixes sees: a kind it does not know.
  store::Stream proto;
  proto.set_request_digest(std::string(32, 'd'));
  proto.mutable_plan()->set_kind(store::EmbeddingPlan::PREFIXED);
  EXPECT_THAT(DecodeStream("key", Seal("key", proto)),
              StatusIs(StatusCode::kDataLoss));
  proto.mutable_plan()->set_kind(store::EmbeddingPlan::PARAGRAPH);
  EXPECT_OK(DecodeStream("key", Seal("key", proto)));
  proto.mutable_plan()->set_prefix("x");
  EXPECT_THAT(DecodeStream("key", Seal("key", proto)),
              StatusIs(StatusCode::kDataLoss));
}

// Bytes that release 1 wrote. If this fails, stores of release 1 are no
// longer readable: the format number must rise, and the old reader must stay.
TEST(EncodeRecordsTest, TheBytesOfReleaseOneStand) {
  LogAuthor author({5, 1});
  LogRecord record = author.Tokens({1, 300}, 7, 2);
  record.epoch = 9;
  EXPECT_EQ(ToHex(Sha256(EncodeLogRecord("key", record))),
            "a3b5c840ba596933c19808b100ce440b97e5c58ba012612ff1015fc215eafb27");

  StreamRecord stream;
  stream.uid = 3;
  stream.tenant = "t";
  stream.name = "n";
  stream.created = absl::FromUnixSeconds(1);
  stream.expires = absl::FromUnixSeconds(2);
  stream.labels = {{"a", "b"}};
  stream.plan = {EmbeddingPlan::Kind::kSentence, 0};
  stream.epoch = 4;
  stream.ancestry = {{2, {10, 1}, true}};
  stream.forked_from = "f";
  stream.model_ids = {{"generator", Sha256("m")}};
  EXPECT_EQ(ToHex(Sha256(EncodeStream("key", stream))),
            "b935e4cc40c31bb3b49de03b507882e6f87b1b50cb7c7202c06bff1141b9e693");

  StoredCheckpoint checkpoint;
  checkpoint.header.uid = 3;
  checkpoint.header.reader = "generator";
  checkpoint.header.token_offset = 20;
  checkpoint.header.position = {80, 0};
  checkpoint.header.layout_id = "l";
  checkpoint.header.numerics_id = "n";
  checkpoint.header.created = absl::FromUnixSeconds(3);
  checkpoint.header.savepoints = {{"s", {81, 0}, absl::FromUnixSeconds(4)}};
  checkpoint.state_sha256 = Sha256("state");
  checkpoint.state_bytes = 5;
  EXPECT_EQ(ToHex(Sha256(EncodeCheckpoint("key", checkpoint))),
            "d586f42b319b14d2eaa51d208c794c8ce3bee92711ddf6ddd612729fda895e4e");

  const EmbeddingRecord embedding{1, 2, 3, 4, {0.5f, -1.0f}};
  EXPECT_EQ(ToHex(Sha256(EncodeEmbedding("key", embedding))),
            "6b69c4e732ee4aff6072cb1c070cb9c61a226342d4d48550ddb2c607ab316400");
}

}  // namespace
}  // namespace oxbow
