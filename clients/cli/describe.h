// Streams and checkpoints as JSON and as words.
#ifndef OXBOW_CLIENTS_CLI_DESCRIBE_H_
#define OXBOW_CLIENTS_CLI_DESCRIBE_H_

#include <string>

#include "clients/cli/command.h"
#include "oxbow/v1/streams.pb.h"

namespace oxbow::cli {

Json ToJson(const v1::Stream& stream);
Json ToJson(const v1::CheckpointInfo& info);

// Prints the stream, as the session wants it.
void Show(const Session& session, const v1::Stream& stream);

// One line.
std::string ToLine(const v1::Stream& stream);
std::string ToLine(const v1::CheckpointInfo& info);

// RFC 3339, in UTC.
std::string ToText(const google::protobuf::Timestamp& time);

// Lower-case hexadecimal digits.
std::string ToHexText(const std::string& bytes);

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_DESCRIBE_H_
