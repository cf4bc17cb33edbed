#include "engine/generated_result.h"

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"

namespace oxbow {
namespace {

using Json = nlohmann::json;

Json ToJson(const Point& point) {
  return {point.position.byte_offset, point.position.zero_byte_tokens,
          point.token_offset};
}

Point PointOf(const Json& json) {
  Point point;
  point.position.byte_offset = json.at(0).get<uint64_t>();
  point.position.zero_byte_tokens = json.at(1).get<uint64_t>();
  point.token_offset = json.at(2).get<uint64_t>();
  return point;
}

Json ToJson(const FinishedBranch& branch) {
  Json json = {{"branch", branch.branch},
               {"reason", static_cast<int>(branch.reason)},
               {"text", absl::BytesToHexString(branch.text)},
               {"tokens", branch.tokens},
               {"kept_as", branch.kept_as}};
  if (branch.committed.has_value()) json["at"] = ToJson(*branch.committed);
  return json;
}

FinishedBranch BranchOf(const Json& json) {
  FinishedBranch branch;
  branch.branch = json.at("branch").get<int>();
  branch.reason = static_cast<FinishReason>(json.at("reason").get<int>());
  branch.text = absl::HexStringToBytes(json.at("text").get<std::string>());
  branch.tokens = json.at("tokens").get<int>();
  branch.kept_as = json.at("kept_as").get<std::string>();
  if (json.contains("at")) branch.committed = PointOf(json.at("at"));
  return branch;
}

}  // namespace

std::string EncodeResult(const GeneratedResult& result) {
  Json tokens = Json::array();
  for (const GeneratedToken& token : result.tokens) {
    tokens.push_back({token.branch, token.index, token.id,
                      absl::BytesToHexString(token.bytes), token.logprob});
  }
  Json branches = Json::array();
  for (const FinishedBranch& branch : result.branches) {
    branches.push_back(ToJson(branch));
  }
  return Json({{"point", ToJson(result.point)},
               {"tokens", tokens},
               {"branches", branches}})
      .dump();
}

absl::StatusOr<GeneratedResult> DecodeResult(const std::string& encoded) {
  GeneratedResult result;
  try {
    const Json json = Json::parse(encoded);
    result.point = PointOf(json.at("point"));
    for (const Json& each : json.at("tokens")) {
      GeneratedToken token;
      token.branch = each.at(0).get<int>();
      token.index = each.at(1).get<int>();
      token.id = each.at(2).get<int>();
      token.bytes = absl::HexStringToBytes(each.at(3).get<std::string>());
      token.logprob = each.at(4).get<float>();
      result.tokens.push_back(std::move(token));
    }
    for (const Json& each : json.at("branches")) {
      result.branches.push_back(BranchOf(each));
    }
  } catch (const Json::exception&) {
    return absl::DataLossError("a stored generation cannot be read back");
  }
  return result;
}

std::string EncodeProvenance(const GenerateRequest& request, int branch) {
  const Sampling& sampling = request.sampling;
  return Json({{"temperature", sampling.temperature},
               {"top_p", sampling.top_p},
               {"top_k", sampling.top_k},
               {"presence_penalty", sampling.presence_penalty},
               {"frequency_penalty", sampling.frequency_penalty},
               {"penalty_decay", sampling.penalty_decay},
               {"seed", sampling.seed},
               {"branch", branch}})
      .dump();
}

}  // namespace oxbow
