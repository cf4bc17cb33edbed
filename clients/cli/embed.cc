// embed: one vector of a point or span of a stream, or of a text.
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/instruction.h"
#include "clients/cli/pooling.h"
#include "clients/cli/text_argument.h"

namespace oxbow::cli {
namespace {

struct Flags {
  std::string stream_id;
  std::string text;
  int64_t at_byte = -1;
  int64_t at_token = -1;
  int64_t from_byte = -1;
  std::string pooling;
  std::string instruction;
  bool query = false;
  bool long_text = false;
  int context_tokens = 0;
  int chunk_tokens = 0;
};

// What is for texts alone.
void AddTextFields(const Flags& flags, v1::EmbedRequest* request) {
  if (flags.query) request->set_instruction(kRetrieveDocuments);
  if (!flags.instruction.empty()) request->set_instruction(flags.instruction);
  if (!flags.long_text) return;
  request->mutable_long_text()->set_context_tokens(flags.context_tokens);
  request->mutable_long_text()->set_chunk_tokens(flags.chunk_tokens);
}

absl::StatusOr<v1::EmbedRequest> MakeRequest(const Session& session,
                                             const Flags& flags,
                                             bool has_text) {
  v1::EmbedRequest request;
  if (has_text == !flags.stream_id.empty()) {
    return UsageFault("embed needs either a STREAM or --text=TEXT");
  }
  if (has_text) {
    if (flags.at_byte >= 0 || flags.at_token >= 0 || flags.from_byte >= 0) {
      return UsageFault(
          "--at-byte, --at-token and --from-byte are for streams");
    }
    ASSIGN_OR_RETURN(const std::string text, ReadArgument(session, flags.text));
    request.mutable_texts()->add_texts(text);
    AddTextFields(flags, &request);
  } else {
    if (flags.query || flags.long_text || !flags.instruction.empty()) {
      return UsageFault(
          "--query, --instruction and --long-text are for --text");
    }
    v1::StreamSpan* span = request.mutable_stream();
    span->set_stream_id(flags.stream_id);
    *span->mutable_at() = MakeAt(flags.at_byte, flags.at_token);
    if (flags.from_byte >= 0) span->set_from_byte(flags.from_byte);
  }
  request.set_pooling(PoolingOf(flags.pooling));
  return request;
}

absl::Status Embed(const Session& session, const Flags& flags, bool has_text) {
  ASSIGN_OR_RETURN(const v1::EmbedRequest request,
                   MakeRequest(session, flags, has_text));
  ASSIGN_OR_RETURN(
      const v1::EmbedResponse response,
      Ask(&session.connection->streams(), &v1::Streams::Stub::Embed, request));
  const auto& values = response.embeddings(0).values();
  if (!session.json) {
    for (int i = 0; i < values.size(); ++i) {
      *session.out << absl::StrFormat(i == 0 ? "%.8g" : " %.8g", values[i]);
    }
    *session.out << std::endl;
    return absl::OkStatus();
  }
  Json json;
  json["values"] = Json::array();
  for (const float value : values) json["values"].push_back(value);
  json["dimensions"] = values.size();
  json["pooling"] = NameOf(response.pooling());
  json["byte_offset"] =
      has_text ? static_cast<int64_t>(request.texts().texts(0).size())
               : response.point().position().byte_offset();
  if (!has_text) json["token_offset"] = response.point().token_offset();
  json["raw"] = response.raw();
  session.Print(json);
  return absl::OkStatus();
}

}  // namespace

void AddEmbed(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "embed", "Give the vector of a stream's point or span, or of a text");
  auto flags = std::make_shared<Flags>();
  command->add_option("STREAM", flags->stream_id, "The stream");
  CLI::Option* text = command->add_option(
      "--text", flags->text, "Embed this text instead; - reads standard input");
  command
      ->add_option("--at-byte", flags->at_byte,
                   "The point, in bytes; default: the head")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--at-token", flags->at_token, "The point, in tokens")
      ->check(CLI::NonNegativeNumber)
      ->excludes("--at-byte");
  command
      ->add_option("--from-byte", flags->from_byte,
                   "The span from here to the point")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--pooling", flags->pooling,
                   "Default: head if the server has a trained head, else "
                   "mean")
      ->check(CLI::IsMember({"last", "mean", "head"}));
  command->add_flag("--query", flags->query,
                    "The text is a query: its instruction is read before it");
  command
      ->add_option("--instruction", flags->instruction,
                   "The same, with this one")
      ->type_name("TASK");
  command->add_flag("--long-text", flags->long_text,
                    "EmbeddingRWKV's way with texts of any length: the mean "
                    "over several end-of-text tokens");
  command
      ->add_option("--context-tokens", flags->context_tokens,
                   "Of --long-text; default: 2048")
      ->needs("--long-text");
  command
      ->add_option("--chunk-tokens", flags->chunk_tokens,
                   "Of --long-text: a context has one end-of-text token for "
                   "each; default: 512")
      ->needs("--long-text");
  command->callback([run, flags, text] {
    const bool has_text = text->count() > 0;
    *run = [flags, has_text](const Session& session) {
      return Embed(session, *flags, has_text);
    };
  });
}

}  // namespace oxbow::cli
