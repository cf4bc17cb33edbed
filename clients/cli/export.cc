// export: the state of a point as a file.
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/text_argument.h"

namespace oxbow::cli {
namespace {

struct Flags {
  std::string stream_id;
  std::string path;
  int64_t at_byte = -1;
};

// A half-written file never bears the name that was asked for.
absl::Status ReceiveTo(const std::string& path,
                       grpc::ClientReader<v1::ExportStateResponse>* reader,
                       int64_t* bytes) {
  std::ofstream file(path, std::ios::binary);
  v1::ExportStateResponse piece;
  while (reader->Read(&piece)) {
    file << piece.data();
    *bytes += piece.data().size();
  }
  file.close();
  RETURN_IF_ERROR(FromGrpc(reader->Finish()));
  if (file.good()) return absl::OkStatus();
  return absl::UnknownError(absl::StrCat(path, ": cannot be written"));
}

absl::Status Export(const Session& session, const Flags& flags) {
  v1::ExportStateRequest request;
  request.set_stream_id(flags.stream_id);
  *request.mutable_at() = MakeAt(flags.at_byte, -1);
  grpc::ClientContext context;
  const auto reader =
      session.connection->streams().ExportState(&context, request);
  const std::string part = flags.path + ".part";
  int64_t bytes = 0;
  const absl::Status status = ReceiveTo(part, reader.get(), &bytes);
  std::error_code error;
  if (!status.ok()) {
    std::filesystem::remove(part, error);
    return status;
  }
  std::filesystem::rename(part, flags.path, error);
  if (error) {
    return absl::UnknownError(absl::StrCat(flags.path, ": ", error.message()));
  }
  if (session.json) {
    session.Print(
        {{"stream", flags.stream_id}, {"file", flags.path}, {"bytes", bytes}});
  } else {
    *session.out << flags.path << ": " << bytes << " bytes\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddExport(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "export",
      "Write the state of a point to a file, to go on from elsewhere");
  auto flags = std::make_shared<Flags>();
  command->add_option("STREAM", flags->stream_id, "The stream")->required();
  command->add_option("FILE", flags->path, "The file to write")->required();
  command
      ->add_option("--at-byte", flags->at_byte, "The point; default: the head")
      ->check(CLI::NonNegativeNumber);
  command->callback([run, flags] {
    *run = [flags](const Session& session) { return Export(session, *flags); };
  });
}

}  // namespace oxbow::cli
