// The rule of each field, both sides of its border.
#include "service/from_proto.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "engine/error_reason.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oxbow {
namespace {

using testing::ElementsAre;

RequestRules Rules() {
  RequestRules rules;
  rules.vocabulary_size = 100;
  rules.embedder_vocabulary_size = 50;
  rules.embedding_width = 32;
  return rules;
}

template <typename Message>
struct Case {
  std::string field;  // "" : it is fine
  std::function<void(Message*)> change;
};

template <typename Message, typename Convert>
void Check(const std::vector<Case<Message>>& cases, const Message& good,
           Convert convert) {
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "case " << i << " " << cases[i].field);
    Message message = good;
    cases[i].change(&message);
    const absl::Status status = convert(message).status();
    if (cases[i].field.empty()) {
      EXPECT_TRUE(status.ok()) << status;
      continue;
    }
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_EQ(FactsOf(status)["field"], cases[i].field);
    EXPECT_NE(ReasonOf(status), "");
  }
}

using v1::GenerateRequest;

TEST(FromProtoTest, GeneratePlaceAndCounts) {
  GenerateRequest good;
  good.set_stream_id("s");
  Check<GenerateRequest>(
      {
          {"", [](auto* m) {}},
          {"stream_id", [](auto* m) { m->set_stream_id(""); }},
          {"stream_id", [](auto* m) { m->set_stream_id("a/b"); }},
          {"", [](auto* m) { m->set_stream_id(std::string(128, 'a')); }},
          {"stream_id",
           [](auto* m) { m->set_stream_id(std::string(129, 'a')); }},
          {"at.byte_offset",
           [](auto* m) { m->mutable_at()->set_byte_offset(-1); }},
          {"at.token_offset",
           [](auto* m) { m->mutable_at()->set_token_offset(-1); }},
          {"at.label", [](auto* m) { m->mutable_at()->set_label(""); }},
          {"branches", [](auto* m) { m->set_branches(-1); }},
          {"", [](auto* m) { m->set_branches(16); }},
          {"branches", [](auto* m) { m->set_branches(17); }},
          {"max_tokens", [](auto* m) { m->set_max_tokens(-1); }},
          {"", [](auto* m) { m->set_max_tokens(4096); }},
          {"max_tokens", [](auto* m) { m->set_max_tokens(4097); }},
          {"top_logprobs", [](auto* m) { m->set_top_logprobs(21); }},
      },
      good, [](const GenerateRequest& m) { return FromProto(m, Rules()); });
}

TEST(FromProtoTest, GenerateSamplingAndPrompt) {
  GenerateRequest good;
  good.set_stream_id("s");
  const float nan = std::nanf("");
  const float infinity = std::numeric_limits<float>::infinity();
  Check<GenerateRequest>(
      {
          {"", [](auto* m) { m->mutable_sampling()->set_temperature(0); }},
          {"sampling.temperature",
           [](auto* m) { m->mutable_sampling()->set_temperature(-0.1f); }},
          {"sampling.temperature",
           [=](auto* m) { m->mutable_sampling()->set_temperature(nan); }},
          {"sampling.temperature",
           [=](auto* m) { m->mutable_sampling()->set_temperature(infinity); }},
          {"sampling.top_p",
           [](auto* m) { m->mutable_sampling()->set_top_p(1.01f); }},
          {"sampling.top_p",
           [=](auto* m) { m->mutable_sampling()->set_top_p(nan); }},
          {"sampling.top_k",
           [](auto* m) { m->mutable_sampling()->set_top_k(-1); }},
          {"sampling.presence_penalty",
           [=](auto* m) { m->mutable_sampling()->set_presence_penalty(nan); }},
          {"sampling.frequency_penalty",
           [](auto* m) { m->mutable_sampling()->set_frequency_penalty(1e9); }},
          {"sampling.penalty_decay",
           [](auto* m) { m->mutable_sampling()->set_penalty_decay(-1); }},
          {"",
           [=](auto* m) {
             (*m->mutable_sampling()->mutable_logit_bias())[5] = -infinity;
           }},
          {"sampling.logit_bias",
           [=](auto* m) {
             (*m->mutable_sampling()->mutable_logit_bias())[5] = nan;
           }},
          {"sampling.logit_bias",
           [](auto* m) {
             (*m->mutable_sampling()->mutable_logit_bias())[100] = 1;
           }},
          {"prompt_tokens",
           [](auto* m) { m->mutable_prompt_tokens()->add_ids(100); }},
          {"prompt_text",
           [](auto* m) {
             m->set_prompt_text(std::string((1 << 20) + 1, 'x'));
           }},
      },
      good, [](const GenerateRequest& m) { return FromProto(m, Rules()); });
}

TEST(FromProtoTest, GenerateStopsAndKeeping) {
  GenerateRequest good;
  good.set_stream_id("s");
  Check<GenerateRequest>(
      {
          {"stop_texts", [](auto* m) { m->add_stop_texts(""); }},
          {"stop_texts",
           [](auto* m) { m->add_stop_texts(std::string(257, 'x')); }},
          {"stop_texts",
           [](auto* m) {
             for (int i = 0; i < 17; ++i) m->add_stop_texts("x");
           }},
          {"stop_tokens", [](auto* m) { m->add_stop_tokens(-1); }},
          {"keep_as", [](auto* m) { m->set_keep_as("a b"); }},
          {"", [](auto* m) { m->set_commit(true); }},
          {"commit",
           [](auto* m) {
             m->set_commit(true);
             m->set_branches(2);
           }},
          {"commit",
           [](auto* m) {
             m->set_commit(true);
             m->mutable_at()->set_byte_offset(1);
           }},
          {"commit",
           [](auto* m) {
             m->set_commit(true);
             m->set_keep_as("x");
           }},
          {"expected", [](auto* m) { m->mutable_expected(); }},
          {"expected.byte_offset",
           [](auto* m) {
             m->set_commit(true);
             m->mutable_expected()->set_byte_offset(-1);
           }},
          {"request_id", [](auto* m) { m->set_request_id("\n"); }},
      },
      good, [](const GenerateRequest& m) { return FromProto(m, Rules()); });
}

TEST(FromProtoTest, CreateFields) {
  using Create = v1::CreateStreamRequest;
  Check<Create>(
      {
          {"", [](auto* m) {}},
          {"stream_id", [](auto* m) { m->set_stream_id("ä"); }},
          {"labels", [](auto* m) { (*m->mutable_labels())[""] = "v"; }},
          {"labels",
           [](auto* m) { (*m->mutable_labels())[std::string(64, 'k')] = "v"; }},
          {"labels",
           [](auto* m) {
             (*m->mutable_labels())["k"] = std::string(257, 'v');
           }},
          {"labels",
           [](auto* m) {
             for (int i = 0; i < 65; ++i) {
               (*m->mutable_labels())[std::to_string(i)] = "v";
             }
           }},
          {"", [](auto* m) { m->mutable_ttl()->set_seconds(1); }},
          {"ttl.seconds", [](auto* m) { m->mutable_ttl()->set_seconds(0); }},
          {"ttl.seconds",
           [](auto* m) {
             m->mutable_ttl()->set_seconds(std::numeric_limits<int64_t>::max());
           }},
          {"ttl.nanos",
           [](auto* m) {
             m->mutable_ttl()->set_seconds(1);
             m->mutable_ttl()->set_nanos(-1);
           }},
          {"",
           [](auto* m) {
             m->mutable_embedding_plan()->set_every_tokens(1 << 20);
           }},
          {"embedding_plan.every_tokens",
           [](auto* m) { m->mutable_embedding_plan()->set_every_tokens(0); }},
      },
      Create(), [](const Create& m) { return FromProto(m, Rules()); });
}

TEST(FromProtoTest, PlansMayHaveAPrefix) {
  v1::CreateStreamRequest create;
  create.mutable_embedding_plan()->set_prefix(std::string(4096, 'p'));
  const auto request = FromProto(create, Rules());
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->plan.prefix.size(), 4096u);
  EXPECT_EQ(request->plan.kind, EmbeddingPlan::Kind::kNone);
  create.mutable_embedding_plan()->set_prefix(std::string(4097, 'p'));
  EXPECT_EQ(FactsOf(FromProto(create, Rules()).status())["field"],
            "embedding_plan.prefix");
}

TEST(FromProtoTest, EmbedFields) {
  using Embed = v1::EmbedRequest;
  Embed good;
  good.mutable_stream()->set_stream_id("s");
  Check<Embed>(
      {
          {"", [](auto* m) {}},
          {"source", [](auto* m) { m->clear_stream(); }},
          {"texts", [](auto* m) { m->mutable_texts(); }},
          {"", [](auto* m) { m->mutable_texts()->add_texts("\xff\xff"); }},
          {"texts",
           [](auto* m) {
             for (int i = 0; i < 257; ++i) m->mutable_texts()->add_texts("x");
           }},
          {"tokens", [](auto* m) { m->mutable_tokens(); }},
          {"tokens",
           [](auto* m) { m->mutable_tokens()->add_lists()->add_ids(-5); }},
          {"pooling",
           [](auto* m) { m->set_pooling(static_cast<v1::Pooling>(9)); }},
          {"dimensions", [](auto* m) { m->set_dimensions(-1); }},
          {"", [](auto* m) { m->set_dimensions(32); }},
          {"dimensions", [](auto* m) { m->set_dimensions(33); }},
          {"head", [](auto* m) { m->set_head("../x"); }},
          {"stream.from_byte",
           [](auto* m) { m->mutable_stream()->set_from_byte(-1); }},
          {"stream.from_byte",
           [](auto* m) {
             m->mutable_stream()->set_from_byte(6);
             m->mutable_stream()->mutable_at()->set_byte_offset(5);
           }},
      },
      good, [](const Embed& m) { return FromProto(m, Rules()); });
}

TEST(FromProtoTest, EmbedFieldsOfInlineTexts) {
  v1::EmbedRequest good;
  good.mutable_texts()->add_texts("x");
  good.set_pooling(v1::POOLING_HEAD);
  const auto long_text = [](int context, int chunk) {
    return [context, chunk](v1::EmbedRequest* m) {
      m->mutable_long_text()->set_context_tokens(context);
      m->mutable_long_text()->set_chunk_tokens(chunk);
    };
  };
  const auto with = [](v1::Pooling pooling, const char* instruction) {
    return [pooling, instruction](v1::EmbedRequest* m) {
      m->set_pooling(pooling);
      m->set_instruction(instruction);
    };
  };
  Check<v1::EmbedRequest>(
      {
          {"", with(v1::POOLING_HEAD, "find")},
          {"", with(v1::POOLING_MEAN, "")},
          {"instruction", with(v1::POOLING_MEAN, "find")},
          {"instruction", with(v1::POOLING_UNSPECIFIED, "find")},
          {"", [](auto* m) { m->set_instruction(std::string(4096, 'i')); }},
          {"instruction",
           [](auto* m) { m->set_instruction(std::string(4097, 'i')); }},
          {"instruction",
           [](auto* m) {
             m->mutable_tokens()->add_lists()->add_ids(1);
             m->set_instruction("find");
           }},
          {"instruction",
           [](auto* m) {
             m->mutable_stream()->set_stream_id("s");
             m->set_instruction("find");
           }},
          {"", [](auto* m) { m->mutable_long_text(); }},
          {"", long_text(100, 0)},
          {"", long_text(65536, 256)},
          {"long_text.context_tokens", long_text(65537, 512)},
          {"long_text.context_tokens", long_text(-1, 0)},
          {"long_text.chunk_tokens", long_text(100, 101)},
          {"long_text.chunk_tokens", long_text(0, 2049)},
          {"long_text.chunk_tokens", long_text(100, -1)},
          {"long_text.chunk_tokens", long_text(65536, 255)},
          {"long_text",
           [](auto* m) {
             m->set_pooling(v1::POOLING_LAST);
             m->mutable_long_text();
           }},
          {"long_text",
           [](auto* m) {
             m->mutable_stream()->set_stream_id("s");
             m->mutable_long_text();
           }},
      },
      good, [](const auto& m) { return FromProto(m, Rules()); });
  good.mutable_long_text()->set_context_tokens(100);
  EXPECT_EQ(FromProto(good, Rules())->long_text->chunk_tokens, 100);
}

TEST(FromProtoTest, RerankFields) {
  v1::RerankRequest good;
  good.set_text("q");
  good.add_streams()->set_stream_id("s");
  Check<v1::RerankRequest>(
      {
          {"", [](auto* m) {}},
          {"query", [](auto* m) { m->clear_text(); }},
          {"query", [](auto* m) { m->set_text(""); }},
          {"query", [](auto* m) { m->mutable_tokens(); }},
          {"", [](auto* m) { m->mutable_tokens()->add_ids(49); }},
          {"tokens", [](auto* m) { m->mutable_tokens()->add_ids(50); }},
          {"text",
           [](auto* m) { m->set_text(std::string((1 << 20) + 1, 'q')); }},
          {"streams", [](auto* m) { m->clear_streams(); }},
          {"streams",
           [](auto* m) {
             for (int i = 0; i < 256; ++i) m->add_streams()->set_stream_id("s");
           }},
          {"streams.stream_id", [](auto* m) { m->add_streams(); }},
          {"at.byte_offset",
           [](auto* m) {
             m->mutable_streams(0)->mutable_at()->set_byte_offset(-1);
           }},
      },
      good, [](const auto& m) { return FromProto(m, Rules()); });
}

TEST(FromProtoTest, OtherFields) {
  using Read = v1::ReadTextRequest;
  Read read;
  read.set_stream_id("s");
  Check<Read>(
      {
          {"", [](auto* m) {}},
          {"from_byte", [](auto* m) { m->set_from_byte(-1); }},
          {"to_byte", [](auto* m) { m->set_to_byte(-1); }},
          {"to_byte",
           [](auto* m) {
             m->set_from_byte(5);
             m->set_to_byte(4);
           }},
          {"", [](auto* m) { m->set_to_byte(0); }},
      },
      read, [](const Read& m) { return FromProto(m); });
  using Timeline = v1::ReadEmbeddingsRequest;
  Timeline timeline;
  timeline.set_stream_id("s");
  Check<Timeline>(
      {
          {"", [](auto* m) {}},
          {"from_token", [](auto* m) { m->set_from_token(-1); }},
          {"to_token", [](auto* m) { m->set_to_token(-1); }},
          {"include_partial",
           [](auto* m) {
             m->set_follow(true);
             m->set_include_partial(true);
           }},
      },
      timeline, [](const Timeline& m) { return FromProto(m); });
  using Fork = v1::ForkRequest;
  Fork fork;
  fork.set_stream_id("s");
  fork.set_new_stream_id("t");
  Check<Fork>({{"", [](auto* m) {}},
               {"new_stream_id", [](auto* m) { m->clear_new_stream_id(); }},
               {"at.byte_offset",
                [](auto* m) { m->mutable_at()->set_byte_offset(-3); }}},
              fork, [](const Fork& m) { return FromProto(m, Rules()); });
  using Score = v1::ScoreRequest;
  Score score;
  score.set_stream_id("s");
  score.mutable_texts()->add_texts("");
  Check<Score>({{"", [](auto* m) {}},
                {"source", [](auto* m) { m->clear_texts(); }},
                {"tokens", [](auto* m) { m->mutable_tokens(); }}},
               score, [](const Score& m) { return FromProto(m, Rules()); });
}

TEST(FromProtoTest, DefaultsAreRwkvsOwn) {
  v1::GenerateRequest message;
  message.set_stream_id("s");
  const auto request = FromProto(message, Rules());
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->branches, 1);
  EXPECT_EQ(request->tokens_max, 64);
  EXPECT_EQ(request->sampling.temperature, 1.0f);
  EXPECT_EQ(request->sampling.top_p, 0.85f);
  EXPECT_EQ(request->sampling.penalty_decay, 0.996f);
  EXPECT_EQ(request->at.kind, At::Kind::kHead);
}

TEST(FromProtoTest, AppendChunkKeepsKindPositionAndBytes) {
  v1::AppendChunk message;
  message.mutable_position()->set_byte_offset(7);
  message.mutable_position()->set_zero_byte_tokens(2);
  message.mutable_tokens()->add_ids(99);
  const auto chunk = FromProto(message, Rules());
  ASSERT_TRUE(chunk.ok());
  EXPECT_EQ(*chunk->position, (Position{7, 2}));
  EXPECT_EQ(chunk->kind, LogRecord::Kind::kTokens);
  EXPECT_THAT(chunk->ids, ElementsAre(99));
  message.set_text("\xff\x00");
  EXPECT_EQ(FromProto(message, Rules())->kind, LogRecord::Kind::kText);
}

TEST(FromProtoTest, PoolingDefaultsToTheBestThereIs) {
  v1::EmbedRequest message;
  message.mutable_texts()->add_texts("x");
  RequestRules rules = Rules();
  EXPECT_EQ(FromProto(message, rules)->pooling, Pooling::kMean);
  rules.has_embedding_head = true;
  EXPECT_EQ(FromProto(message, rules)->pooling, Pooling::kHead);
}

}  // namespace
}  // namespace oxbow
