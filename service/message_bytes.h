// Messages to gRPC's byte buffers and back.
//
// The service takes raw bytes and parses them itself: gRPC 1.51 answers
// Unimplemented to a unary call whose message does not parse, and reads a
// broken message of a stream as its end.
#ifndef OXBOW_SERVICE_MESSAGE_BYTES_H_
#define OXBOW_SERVICE_MESSAGE_BYTES_H_

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"

namespace oxbow {

// InvalidArgument/BAD_MESSAGE: the bytes are no message of that type, or a
// string field of it is not UTF-8.
absl::Status ParseMessage(const grpc::ByteBuffer& bytes,
                          google::protobuf::Message* message);

grpc::ByteBuffer SerializeMessage(const google::protobuf::Message& message);

}  // namespace oxbow

#endif  // OXBOW_SERVICE_MESSAGE_BYTES_H_
