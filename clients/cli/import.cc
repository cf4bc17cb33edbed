// import: a new stream that begins with a state file.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/describe.h"

namespace oxbow::cli {
namespace {

constexpr size_t kPieceBytes = 1 << 20;

struct Flags {
  std::string path;
  std::string stream_id;
  int embed_every = 0;
};

absl::Status Import(const Session& session, const Flags& flags) {
  std::ifstream file(flags.path, std::ios::binary);
  if (!file) {
    return InputFault(
        absl::StrCat("cannot read ", flags.path, ": ", std::strerror(errno)));
  }
  grpc::ClientContext context;
  v1::Stream stream;
  const auto writer =
      session.connection->streams().ImportState(&context, &stream);
  v1::ImportStateRequest request;
  request.mutable_create()->set_stream_id(flags.stream_id);
  if (flags.embed_every > 0) {
    request.mutable_create()->mutable_embedding_plan()->set_every_tokens(
        flags.embed_every);
  }
  bool open = writer->Write(request);
  std::string piece(kPieceBytes, '\0');
  while (open && (file.read(&piece[0], kPieceBytes), file.gcount() > 0)) {
    request.set_data(piece.data(), file.gcount());
    open = writer->Write(request);
  }
  writer->WritesDone();
  RETURN_IF_ERROR(FromGrpc(writer->Finish()));
  Show(session, stream);
  return absl::OkStatus();
}

}  // namespace

void AddImport(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "import", "Make a new stream that begins with an exported state");
  auto flags = std::make_shared<Flags>();
  command->add_option("FILE", flags->path, "A file that export wrote")
      ->required();
  command->add_option("STREAM", flags->stream_id, "The new stream")->required();
  command
      ->add_option("--embed-every", flags->embed_every,
                   "Make an embedding every so many tokens from here on")
      ->check(CLI::Range(1, 1 << 20));
  command->callback([run, flags] {
    *run = [flags](const Session& session) { return Import(session, *flags); };
  });
}

}  // namespace oxbow::cli
