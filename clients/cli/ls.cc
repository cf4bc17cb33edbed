// ls: the streams, by name.
#include <memory>
#include <string>

#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/describe.h"

namespace oxbow::cli {
namespace {

absl::Status List(const Session& session) {
  v1::ListStreamsRequest request;
  do {
    ASSIGN_OR_RETURN(const v1::ListStreamsResponse page,
                     Ask(&session.connection->streams(),
                         &v1::Streams::Stub::ListStreams, request));
    for (const v1::Stream& stream : page.streams()) Show(session, stream);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

}  // namespace

void AddLs(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand("ls", "List the streams, by name");
  command->callback([run] { *run = List; });
}

}  // namespace oxbow::cli
