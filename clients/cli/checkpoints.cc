// checkpoints: the stored states of a stream.
#include <memory>
#include <string>

#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/describe.h"

namespace oxbow::cli {

void AddCheckpoints(CLI::App* app, Run* run) {
  CLI::App* command =
      app->add_subcommand("checkpoints", "List the stored states of a stream");
  auto stream_id = std::make_shared<std::string>();
  command->add_option("STREAM", *stream_id, "The stream")->required();
  command->callback([run, stream_id] {
    *run = [stream_id](const Session& session) -> absl::Status {
      v1::ListCheckpointsRequest request;
      request.set_stream_id(*stream_id);
      ASSIGN_OR_RETURN(const v1::ListCheckpointsResponse list,
                       Ask(&session.connection->streams(),
                           &v1::Streams::Stub::ListCheckpoints, request));
      for (const v1::CheckpointInfo& info : list.checkpoints()) {
        if (session.json) {
          session.Print(ToJson(info));
        } else {
          *session.out << ToLine(info) << std::endl;
        }
      }
      return absl::OkStatus();
    };
  });
}

}  // namespace oxbow::cli
