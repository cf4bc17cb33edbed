// rm: a stream removed.
#include <memory>
#include <string>

#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/describe.h"

namespace oxbow::cli {

void AddRm(CLI::App* app, Run* run) {
  CLI::App* command =
      app->add_subcommand("rm", "Remove a stream; its forks live on");
  auto stream_id = std::make_shared<std::string>();
  command->add_option("STREAM", *stream_id, "The stream")->required();
  command->callback([run, stream_id] {
    *run = [stream_id](const Session& session) -> absl::Status {
      v1::DeleteStreamRequest request;
      request.set_stream_id(*stream_id);
      RETURN_IF_ERROR(Ask(&session.connection->streams(),
                          &v1::Streams::Stub::DeleteStream, request)
                          .status());
      if (session.json) {
        session.Print({{"stream", *stream_id}, {"removed", true}});
      }
      return absl::OkStatus();
    };
  });
}

}  // namespace oxbow::cli
