// show: all of one stream.
#include <memory>
#include <string>

#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/describe.h"

namespace oxbow::cli {

void AddShow(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "show", "Tell all of a stream, with the digest of its state");
  auto stream_id = std::make_shared<std::string>();
  command->add_option("STREAM", *stream_id, "The stream")->required();
  command->callback([run, stream_id] {
    *run = [stream_id](const Session& session) -> absl::Status {
      v1::GetStreamRequest request;
      request.set_stream_id(*stream_id);
      request.set_view(v1::GetStreamRequest::VIEW_FULL);
      ASSIGN_OR_RETURN(const v1::Stream stream,
                       Ask(&session.connection->streams(),
                           &v1::Streams::Stub::GetStream, request));
      Show(session, stream);
      return absl::OkStatus();
    };
  });
}

}  // namespace oxbow::cli
