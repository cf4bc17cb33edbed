#include "engine/generation_record.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/base/casts.h"
#include "absl/strings/escaping.h"
#include "base/status_macros.h"

namespace oxbow {
namespace {

using Json = nlohmann::json;

std::string BytesOf(const Json& hex) {
  return absl::HexStringToBytes(hex.get<std::string>());
}

// JSON has no infinity, which bans an id.
uint32_t Bits(float number) { return absl::bit_cast<uint32_t>(number); }
float NumberOf(const Json& bits) {
  return absl::bit_cast<float>(bits.get<uint32_t>());
}

Json ToJson(const At& at) {
  return {{"kind", static_cast<int>(at.kind)},
          {"offset", at.offset},
          {"label", absl::BytesToHexString(at.label)}};
}

At AtOf(const Json& json) {
  At at;
  at.kind = static_cast<At::Kind>(json.at("kind").get<int>());
  at.offset = json.at("offset").get<uint64_t>();
  at.label = BytesOf(json.at("label"));
  return at;
}

Json ToJson(const Sampling& sampling) {
  Json bias = Json::array();
  for (const auto& [id, value] : sampling.logit_bias) {
    bias.push_back({id, Bits(value)});
  }
  return {{"temperature", Bits(sampling.temperature)},
          {"top_p", Bits(sampling.top_p)},
          {"top_k", sampling.top_k},
          {"presence_penalty", Bits(sampling.presence_penalty)},
          {"frequency_penalty", Bits(sampling.frequency_penalty)},
          {"penalty_decay", Bits(sampling.penalty_decay)},
          {"seed", sampling.seed},
          {"logit_bias", bias}};
}

Sampling SamplingOf(const Json& json) {
  Sampling sampling;
  sampling.temperature = NumberOf(json.at("temperature"));
  sampling.top_p = NumberOf(json.at("top_p"));
  sampling.top_k = json.at("top_k").get<int>();
  sampling.presence_penalty = NumberOf(json.at("presence_penalty"));
  sampling.frequency_penalty = NumberOf(json.at("frequency_penalty"));
  sampling.penalty_decay = NumberOf(json.at("penalty_decay"));
  sampling.seed = json.at("seed").get<uint64_t>();
  for (const Json& each : json.at("logit_bias")) {
    sampling.logit_bias[each.at(0).get<int>()] = NumberOf(each.at(1));
  }
  return sampling;
}

Json ToJson(const GenerateRequest& request) {
  Json stops = Json::array();
  for (const std::string& stop : request.stops) {
    stops.push_back(absl::BytesToHexString(stop));
  }
  Json json = {{"tenant", request.name.tenant},
               {"stream", request.name.stream},
               {"at", ToJson(request.at)},
               {"prompt", absl::BytesToHexString(request.prompt)},
               {"prompt_ids", request.prompt_ids},
               {"sampling", ToJson(request.sampling)},
               {"branches", request.branches},
               {"tokens_max", request.tokens_max},
               {"stops", stops},
               {"stop_ids", request.stop_ids},
               {"ignore_end_of_document", request.ignore_end_of_document},
               {"top_logprobs", request.top_logprobs},
               {"keep_as", request.keep_as},
               {"commit", request.commit}};
  if (request.expected.has_value()) {
    json["expected"] = {request.expected->byte_offset,
                        request.expected->zero_byte_tokens};
  }
  return json;
}

GenerateRequest RequestOf(const Json& json) {
  GenerateRequest request;
  request.name.tenant = json.at("tenant").get<std::string>();
  request.name.stream = json.at("stream").get<std::string>();
  request.at = AtOf(json.at("at"));
  request.prompt = BytesOf(json.at("prompt"));
  request.prompt_ids = json.at("prompt_ids").get<std::vector<int>>();
  request.sampling = SamplingOf(json.at("sampling"));
  request.branches = json.at("branches").get<int>();
  request.tokens_max = json.at("tokens_max").get<int>();
  for (const Json& stop : json.at("stops")) {
    request.stops.push_back(BytesOf(stop));
  }
  request.stop_ids = json.at("stop_ids").get<std::vector<int>>();
  request.ignore_end_of_document =
      json.at("ignore_end_of_document").get<bool>();
  request.top_logprobs = json.at("top_logprobs").get<int>();
  request.keep_as = json.at("keep_as").get<std::string>();
  request.commit = json.at("commit").get<bool>();
  if (json.contains("expected")) {
    request.expected = Position{json.at("expected").at(0).get<uint64_t>(),
                                json.at("expected").at(1).get<uint64_t>()};
  }
  return request;
}

}  // namespace

std::string EncodeGeneration(const GenerationRecord& record) {
  Json json = Json::parse(EncodeResult(record.result));
  if (record.request.has_value()) json["request"] = ToJson(*record.request);
  json["numerics_id"] = record.numerics_id;
  return json.dump();
}

absl::StatusOr<GenerationRecord> DecodeGeneration(const std::string& encoded) {
  GenerationRecord record;
  ASSIGN_OR_RETURN(record.result, DecodeResult(encoded));
  try {
    const Json json = Json::parse(encoded);
    if (!json.contains("request")) return record;
    record.request = RequestOf(json.at("request"));
    record.numerics_id = json.at("numerics_id").get<std::string>();
  } catch (const Json::exception&) {
    return absl::DataLossError("a stored generation cannot be read back");
  }
  return record;
}

bool AskTheSame(const GenerateRequest& a, const GenerateRequest& b) {
  return ToJson(a) == ToJson(b);
}

}  // namespace oxbow
