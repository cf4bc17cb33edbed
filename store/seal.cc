#include "store/seal.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/sha256.h"

namespace oxbow {
namespace {

constexpr char kVersion = 1;
constexpr size_t kChecksumBytes = 8;
constexpr size_t kHeaderBytes = 1 + kChecksumBytes;

std::string Checksum(absl::string_view type, absl::string_view key,
                     absl::string_view payload) {
  Sha256Hasher hasher;
  hasher.AddSized(type);
  hasher.AddSized(key);
  hasher.AddSized(payload);
  return std::string(AsBytes(hasher.Finish()).substr(0, kChecksumBytes));
}

}  // namespace

std::string Seal(absl::string_view key,
                 const google::protobuf::MessageLite& message) {
  std::string payload;
  OXBOW_CHECK(message.SerializeToString(&payload))
      << message.GetTypeName() << " of over 2 GiB";
  return absl::StrCat(absl::string_view(&kVersion, 1),
                      Checksum(message.GetTypeName(), key, payload), payload);
}

absl::Status Unseal(absl::string_view key, absl::string_view value,
                    google::protobuf::MessageLite* message) {
  const std::string type = message->GetTypeName();
  if (value.size() < kHeaderBytes) {
    return absl::DataLossError(
        absl::StrCat("A stored ", type, " has only ", value.size(), " bytes."));
  }
  if (value[0] != kVersion) {
    return absl::UnimplementedError(absl::StrCat(
        "A stored ", type, " has encoding ", static_cast<uint8_t>(value[0]),
        "; this release knows ", static_cast<int>(kVersion), "."));
  }
  const absl::string_view payload = value.substr(kHeaderBytes);
  if (payload.size() > std::numeric_limits<int>::max() ||
      value.substr(1, kChecksumBytes) != Checksum(type, key, payload)) {
    return absl::DataLossError(
        absl::StrCat("A stored ", type, " fails its checksum."));
  }
  if (!message->ParseFromArray(payload.data(),
                               static_cast<int>(payload.size()))) {
    return absl::DataLossError(
        absl::StrCat("A stored ", type, " cannot be parsed."));
  }
  return absl::OkStatus();
}

bool LooksSealed(absl::string_view value) {
  return value.size() >= kHeaderBytes && value[0] == kVersion;
}

}  // namespace oxbow
