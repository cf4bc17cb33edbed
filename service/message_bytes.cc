#include "service/message_bytes.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "engine/error_reason.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"

namespace oxbow {

absl::Status ParseMessage(const grpc::ByteBuffer& bytes,
                          google::protobuf::Message* message) {
  // The reader takes the buffer by pointer only to share its slices.
  grpc::ByteBuffer shared(bytes);
  grpc::ProtoBufferReader reader(&shared);
  if (reader.status().ok() && message->ParseFromZeroCopyStream(&reader)) {
    return absl::OkStatus();
  }
  return WithReason(
      absl::InvalidArgumentError(absl::StrCat(
          "the request is not a ", message->GetDescriptor()->full_name(),
          ": its bytes are malformed, or a string field is not UTF-8")),
      "BAD_MESSAGE");
}

grpc::ByteBuffer SerializeMessage(const google::protobuf::Message& message) {
  std::string bytes;
  OXBOW_CHECK(message.SerializeToString(&bytes));
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace oxbow
