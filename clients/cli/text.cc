// text: the document back.
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "clients/cli/command.h"

namespace oxbow::cli {
namespace {

struct Flags {
  std::string stream_id;
  int64_t from_byte = 0;
  int64_t to_byte = -1;
};

// Writes what one call gives; the request then names what is left.
absl::Status ShowSome(const Session& session, v1::ReadTextRequest* request) {
  grpc::ClientContext context;
  const auto reader =
      session.connection->streams().ReadText(&context, *request);
  v1::ReadTextResponse piece;
  while (reader->Read(&piece)) {
    if (!request->has_to_byte()) request->set_to_byte(piece.durable());
    request->set_from_byte(piece.byte_offset() + piece.text().size());
    if (session.json) {
      session.Print({{"byte_offset", piece.byte_offset()},
                     {"text", piece.text()},
                     {"bytes", absl::Base64Escape(piece.text())}});
    } else {
      *session.out << piece.text();
    }
    // Nobody reads any more: the rest need not be sent.
    if (!session.out->good()) context.TryCancel();
  }
  session.out->flush();
  return FromGrpc(reader->Finish());
}

absl::Status ShowText(const Session& session, const Flags& flags) {
  v1::ReadTextRequest request;
  request.set_stream_id(flags.stream_id);
  request.set_from_byte(flags.from_byte);
  if (flags.to_byte >= 0) request.set_to_byte(flags.to_byte);
  absl::Status status;
  int64_t shown_to = 0;
  // Whoever pages through it may stop for longer than the server waits.
  do {
    shown_to = request.from_byte();
    status = ShowSome(session, &request);
  } while (absl::IsDeadlineExceeded(status) && request.from_byte() > shown_to);
  return session.out->good() ? status : absl::OkStatus();
}

}  // namespace

void AddText(CLI::App* app, Run* run) {
  CLI::App* command =
      app->add_subcommand("text", "Write a stream's bytes to standard output");
  auto flags = std::make_shared<Flags>();
  command->add_option("STREAM", flags->stream_id, "The stream")->required();
  command->add_option("--from-byte", flags->from_byte, "Begin here")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--to-byte", flags->to_byte, "End here; default: the end")
      ->check(CLI::NonNegativeNumber);
  command->callback([run, flags] {
    *run = [flags](const Session& session) {
      return ShowText(session, *flags);
    };
  });
}

}  // namespace oxbow::cli
