#include "clients/cli/describe.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/util/time_util.h"

namespace oxbow::cli {
namespace {

Json WhenOf(const v1::EmbeddingPlan& plan) {
  switch (plan.plan_case()) {
    case v1::EmbeddingPlan::kEveryTokens:
      return {{"every_tokens", plan.every_tokens()}};
    case v1::EmbeddingPlan::kEveryParagraph:
      return {{"every", "paragraph"}};
    case v1::EmbeddingPlan::kEverySentence:
      return {{"every", "sentence"}};
    case v1::EmbeddingPlan::PLAN_NOT_SET:
      break;
  }
  return nullptr;
}

Json ToJson(const v1::EmbeddingPlan& plan) {
  Json json = WhenOf(plan);
  if (!plan.prefix().empty()) json["prefix"] = Session::ToUtf8(plan.prefix());
  return json;
}

}  // namespace

std::string ToText(const google::protobuf::Timestamp& time) {
  return google::protobuf::util::TimeUtil::ToString(time);
}

std::string ToHexText(const std::string& bytes) {
  return absl::BytesToHexString(bytes);
}

Json ToJson(const v1::Stream& stream) {
  Json json;
  json["stream"] = stream.stream_id();
  json["byte_offset"] = stream.durable().byte_offset();
  json["token_offset"] = stream.token_offset();
  if (!stream.state_digest().empty()) {
    json["state_digest"] = ToHexText(stream.state_digest());
  }
  json["durable"] = stream.durable().byte_offset();
  json["applied"] = stream.applied().byte_offset();
  json["checkpoint"] = stream.checkpoint().byte_offset();
  json["undecided_bytes"] = stream.undecided_bytes();
  json["zero_byte_tokens"] = stream.durable().zero_byte_tokens();
  json["embedding_plan"] = ToJson(stream.embedding_plan());
  json["labels"] = Json::object();
  for (const auto& [key, value] : stream.labels()) json["labels"][key] = value;
  json["created"] = ToText(stream.create_time());
  if (stream.has_expire_time()) json["expires"] = ToText(stream.expire_time());
  if (!stream.forked_from().empty()) {
    json["forked_from"] = stream.forked_from();
    json["fork_byte_offset"] = stream.fork_position().byte_offset();
  }
  if (stream.has_begin()) {
    json["begin_byte_offset"] = stream.begin().byte_offset();
  }
  json["epoch"] = stream.epoch();
  return json;
}

Json ToJson(const v1::CheckpointInfo& info) {
  Json json;
  json["byte_offset"] = info.position().byte_offset();
  json["token_offset"] = info.token_offset();
  if (!info.state_digest().empty()) {
    json["state_digest"] = ToHexText(info.state_digest());
  }
  json["zero_byte_tokens"] = info.position().zero_byte_tokens();
  json["labels"] = Json::array();
  for (const std::string& label : info.labels())
    json["labels"].push_back(label);
  json["created"] = ToText(info.create_time());
  return json;
}

std::string ToLine(const v1::Stream& stream) {
  std::string line =
      absl::StrCat(stream.stream_id(), "  ", stream.durable().byte_offset(),
                   " bytes  ", stream.token_offset(), " tokens  applied ",
                   stream.applied().byte_offset(), "  checkpoint ",
                   stream.checkpoint().byte_offset());
  if (!stream.forked_from().empty()) {
    absl::StrAppend(&line, "  fork of ", stream.forked_from(), " at byte ",
                    stream.fork_position().byte_offset());
  }
  if (stream.has_begin()) {
    absl::StrAppend(&line, "  imported at byte ", stream.begin().byte_offset());
  }
  if (!stream.state_digest().empty()) {
    absl::StrAppend(&line, "  state ", ToHexText(stream.state_digest()));
  }
  return line;
}

std::string ToLine(const v1::CheckpointInfo& info) {
  std::string line =
      absl::StrCat("byte ", info.position().byte_offset(), "  token ",
                   info.token_offset(), "  ", ToText(info.create_time()));
  if (info.labels_size() > 0) {
    absl::StrAppend(&line, "  ", absl::StrJoin(info.labels(), " "));
  }
  if (!info.state_digest().empty()) {
    absl::StrAppend(&line, "  state ", ToHexText(info.state_digest()));
  }
  return line;
}

void Show(const Session& session, const v1::Stream& stream) {
  if (session.json) return session.Print(ToJson(stream));
  *session.out << ToLine(stream) << std::endl;
}

}  // namespace oxbow::cli
