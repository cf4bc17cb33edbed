#include "engine/error_reason.h"

#include "absl/strings/cord.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"

namespace oxbow {
namespace {

constexpr char kReason[] = "oxbow/reason";
constexpr char kFact[] = "oxbow/fact/";

}  // namespace

absl::Status WithReason(absl::Status status, absl::string_view reason,
                        const std::map<std::string, std::string>& facts) {
  status.SetPayload(kReason, absl::Cord(reason));
  for (const auto& [key, value] : facts) {
    status.SetPayload(kFact + key, absl::Cord(value));
  }
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  const absl::optional<absl::Cord> reason = status.GetPayload(kReason);
  return reason.has_value() ? std::string(*reason) : "";
}

std::map<std::string, std::string> FactsOf(const absl::Status& status) {
  std::map<std::string, std::string> facts;
  status.ForEachPayload(
      [&facts](absl::string_view url, const absl::Cord& value) {
        if (absl::ConsumePrefix(&url, kFact)) {
          facts[std::string(url)] = std::string(value);
        }
      });
  return facts;
}

}  // namespace oxbow
