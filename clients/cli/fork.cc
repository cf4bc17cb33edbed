// fork: a new stream that begins as another does.
#include <memory>
#include <string>

#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/describe.h"
#include "clients/cli/text_argument.h"

namespace oxbow::cli {

void AddFork(CLI::App* app, Run* run) {
  struct Flags {
    std::string stream_id;
    std::string new_id;
    int64_t at_byte = -1;
  };
  CLI::App* command = app->add_subcommand(
      "fork", "Make a new stream that begins as another does");
  auto flags = std::make_shared<Flags>();
  command->add_option("STREAM", flags->stream_id, "The parent")->required();
  command->add_option("NEW", flags->new_id, "The new stream")->required();
  command
      ->add_option("--at-byte", flags->at_byte,
                   "Where it leaves its parent; default: the head")
      ->check(CLI::NonNegativeNumber);
  command->callback([run, flags] {
    *run = [flags](const Session& session) -> absl::Status {
      v1::ForkRequest request;
      request.set_stream_id(flags->stream_id);
      request.set_new_stream_id(flags->new_id);
      *request.mutable_at() = MakeAt(flags->at_byte, -1);
      ASSIGN_OR_RETURN(const v1::Stream stream,
                       Ask(&session.connection->streams(),
                           &v1::Streams::Stub::Fork, request));
      Show(session, stream);
      return absl::OkStatus();
    };
  });
}

}  // namespace oxbow::cli
