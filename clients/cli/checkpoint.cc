// checkpoint: the state of the head, stored.
#include <memory>
#include <string>

#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/describe.h"

namespace oxbow::cli {

void AddCheckpoint(CLI::App* app, Run* run) {
  struct Flags {
    std::string stream_id;
    std::string label;
  };
  CLI::App* command = app->add_subcommand(
      "checkpoint",
      "Store the state of a stream's head; with a label it is "
      "kept until removed");
  auto flags = std::make_shared<Flags>();
  command->add_option("STREAM", flags->stream_id, "The stream")->required();
  command->add_option("--label", flags->label, "A name for the savepoint");
  command->callback([run, flags] {
    *run = [flags](const Session& session) -> absl::Status {
      v1::CheckpointRequest request;
      request.set_stream_id(flags->stream_id);
      request.set_label(flags->label);
      ASSIGN_OR_RETURN(const v1::CheckpointInfo info,
                       Ask(&session.connection->streams(),
                           &v1::Streams::Stub::Checkpoint, request));
      if (session.json) {
        Json json = {{"stream", flags->stream_id}};
        json.update(ToJson(info));
        session.Print(json);
      } else {
        *session.out << ToLine(info) << std::endl;
      }
      return absl::OkStatus();
    };
  });
}

}  // namespace oxbow::cli
