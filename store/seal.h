// A value that knows where it belongs and whether it is whole.
#ifndef OXBOW_STORE_SEAL_H_
#define OXBOW_STORE_SEAL_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"

namespace oxbow {

// The value to store under `key`: one byte 1, eight bytes of checksum, the
// message. The checksum is the beginning of the SHA-256 of message type, key
// and message, so that a value under another's key is found out like a
// flipped bit.
std::string Seal(absl::string_view key,
                 const google::protobuf::MessageLite& message);

// Reads what Seal wrote. DataLoss: it is damaged, or belongs elsewhere.
// Unimplemented: a later release wrote it.
absl::Status Unseal(absl::string_view key, absl::string_view value,
                    google::protobuf::MessageLite* message);

// Whether a value has a seal's form, of this release's version: all that can
// be said of one whose message type is not known.
bool LooksSealed(absl::string_view value);

}  // namespace oxbow

#endif  // OXBOW_STORE_SEAL_H_
