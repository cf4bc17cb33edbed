// append: a file or standard input into a stream.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "clients/cli/append_source.h"
#include "clients/cli/command.h"
#include "clients/cli/describe.h"
#include "clients/cli/instruction.h"
#include "clients/cli/patience.h"
#include "clients/cli/progress.h"
#include "clients/cli/uploader.h"

namespace oxbow::cli {
namespace {

constexpr int kChunkBytesMax = 1 << 20;
constexpr int kBytesAnId = 4;  // --chunk-bytes with --tokens

struct Flags {
  std::string stream_id;
  std::string file;
  int chunk_bytes = 1 << 16;
  int embed_every = 0;
  std::string prefix;  // empty: none
  bool resume = false;
  bool tokens = false;
  double retry_seconds = 60;
};

absl::StatusOr<v1::Stream> Get(Connection* connection,
                               const std::string& stream_id, bool full) {
  v1::GetStreamRequest request;
  request.set_stream_id(stream_id);
  if (full) request.set_view(v1::GetStreamRequest::VIEW_FULL);
  return Ask(&connection->streams(), &v1::Streams::Stub::GetStream, request);
}

// The stream as it is, made if there is none.
absl::StatusOr<v1::Stream> GetOrCreate(Connection* connection,
                                       const Flags& flags) {
  const absl::StatusOr<v1::Stream> stream =
      Get(connection, flags.stream_id, false);
  if (!stream.ok() && absl::IsNotFound(stream.status())) {
    v1::CreateStreamRequest request;
    request.set_stream_id(flags.stream_id);
    if (flags.embed_every > 0) {
      request.mutable_embedding_plan()->set_every_tokens(flags.embed_every);
    }
    if (!flags.prefix.empty()) {
      request.mutable_embedding_plan()->set_prefix(flags.prefix);
    }
    return Ask(&connection->streams(), &v1::Streams::Stub::CreateStream,
               request);
  }
  if (!stream.ok()) return stream;
  const v1::EmbeddingPlan& plan = stream->embedding_plan();
  if ((flags.embed_every > 0 && plan.every_tokens() != flags.embed_every) ||
      (!flags.prefix.empty() && plan.prefix() != flags.prefix)) {
    return DataFault(
        "the stream exists with another embedding plan, which cannot be "
        "changed");
  }
  return stream;
}

// Takes the stream's text from the source and compares.
absl::Status SkipWhatIsThere(Connection* connection, const v1::Stream& stream,
                             AppendSource* source, int64_t* skipped) {
  const int64_t end = stream.durable().byte_offset();
  if (*skipped < stream.begin().byte_offset()) {
    return DataFault(absl::StrCat(
        "the stream was imported at byte ", stream.begin().byte_offset(),
        ": its text before that is not here to compare the document with; "
        "append the rest without --resume"));
  }
  if (*skipped < end) {
    v1::ReadTextRequest request;
    request.set_stream_id(stream.stream_id());
    request.set_from_byte(*skipped);
    request.set_to_byte(end);
    grpc::ClientContext context;
    const auto reader = connection->streams().ReadText(&context, request);
    v1::ReadTextResponse piece;
    absl::Status fault;
    while (fault.ok() && reader->Read(&piece)) {
      fault = source->Skip(piece.text());
      *skipped += piece.text().size();
    }
    if (!fault.ok()) {
      context.TryCancel();
      reader->Finish();
      return fault;
    }
    RETURN_IF_ERROR(FromGrpc(reader->Finish()));
  }
  return absl::OkStatus();
}

// The file's size; nullopt: a pipe.
absl::optional<int64_t> SizeOf(int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return {};
  return info.st_size;
}

absl::StatusOr<int> Open(const Session& session, const std::string& file) {
  if (file == "-") return session.stdin_fd;
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return InputFault(
        absl::StrCat("cannot read ", file, ": ", std::strerror(errno)));
  }
  return fd;
}

void Report(const Session& session, const v1::Stream& stream) {
  if (!session.json) {
    *session.out << ToLine(stream) << std::endl;
    return;
  }
  Json json;
  json["stream"] = stream.stream_id();
  json["byte_offset"] = stream.durable().byte_offset();
  json["token_offset"] = stream.token_offset();
  json["durable"] = stream.durable().byte_offset();
  json["applied"] = stream.applied().byte_offset();
  json["checkpoint"] = stream.checkpoint().byte_offset();
  json["state_digest"] = ToHexText(stream.state_digest());
  session.Print(json);
}

absl::Status Append(const Session& session, const Flags& flags) {
  Connection* const connection = session.connection;
  ASSIGN_OR_RETURN(const int fd, Open(session, flags.file));
  const auto closer = absl::MakeCleanup([&] {
    if (fd != session.stdin_fd) close(fd);
  });
  const std::unique_ptr<AppendSource> source =
      flags.tokens ? NewTokenSource(
                         fd, (flags.chunk_bytes + kBytesAnId - 1) / kBytesAnId,
                         connection)
                   : NewTextSource(fd, flags.chunk_bytes);
  Progress* shown = nullptr;
  const auto say = [&](absl::string_view sentence) {
    if (shown != nullptr) return shown->Say(sentence);
    if (!session.json) *session.err << sentence << std::endl;
  };
  Patience patience(absl::Seconds(flags.retry_seconds), say);

  v1::Stream stream;
  RETURN_IF_ERROR(patience.Try([&]() -> absl::Status {
    ASSIGN_OR_RETURN(stream, GetOrCreate(connection, flags));
    return absl::OkStatus();
  }));
  if (flags.resume) {
    int64_t skipped = 0;
    RETURN_IF_ERROR(patience.Try([&] {
      return SkipWhatIsThere(connection, stream, source.get(), &skipped);
    }));
    RETURN_IF_ERROR(source->SkipTo(stream.durable()));
  }

  absl::optional<int64_t> total = flags.tokens ? absl::nullopt : SizeOf(fd);
  if (total.has_value() && !flags.resume) {
    total = *total + stream.durable().byte_offset();
  }
  Progress progress(session.json ? nullptr : session.err,
                    session.err_is_terminal, total);
  shown = &progress;
  bool begun = false;
  Uploader uploader(connection, flags.stream_id, stream.durable(), source.get(),
                    &patience, [&](const v1::AppendAck& ack) {
                      if (!std::exchange(begun, true))
                        progress.Begin(ack, absl::Now());
                      progress.Show(ack, absl::Now());
                    });
  RETURN_IF_ERROR(uploader.Run());
  progress.Finish(absl::Now());
  RETURN_IF_ERROR(patience.Try([&]() -> absl::Status {
    ASSIGN_OR_RETURN(stream, Get(connection, flags.stream_id, true));
    return absl::OkStatus();
  }));
  Report(session, stream);
  return absl::OkStatus();
}

}  // namespace

void AddAppend(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "append", "Add a file at the head of a stream, which is made if need be");
  auto flags = std::make_shared<Flags>();
  command->add_option("STREAM", flags->stream_id, "The stream")->required();
  command->add_option("FILE", flags->file, "The file; - reads standard input")
      ->required();
  command
      ->add_option("--chunk-bytes", flags->chunk_bytes,
                   "Bytes sent at once (with --tokens: four an id)")
      ->check(CLI::Range(1, kChunkBytesMax))
      ->capture_default_str();
  command
      ->add_option("--embed-every", flags->embed_every,
                   "A new stream gets a vector every so many tokens, for "
                   "search")
      ->check(CLI::Range(1, 1 << 20));
  command->add_flag_callback(
      "--rerankable", [flags] { flags->prefix = PrefixOf(kRetrieveDocuments); },
      "A new stream's embedder first reads what rerankers were trained with");
  command
      ->add_option_function<std::string>(
          "--rerankable-for",
          [flags](const std::string& task) { flags->prefix = PrefixOf(task); },
          "The same, with another instruction")
      ->type_name("TASK");
  command->add_flag("--resume", flags->resume,
                    "FILE is the whole document: go on where the stream ends, "
                    "after checking that its text is FILE's beginning");
  AddRetryFor(command, &flags->retry_seconds);
  command->add_flag("--tokens", flags->tokens,
                    "FILE is token ids, separated by white space");
  command->callback([run, flags] {
    *run = [flags](const Session& session) { return Append(session, *flags); };
  });
}

}  // namespace oxbow::cli
