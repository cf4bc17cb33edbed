// tokenize: the token ids of a text.
#include <memory>
#include <string>

#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/text_argument.h"

namespace oxbow::cli {
namespace {

using Models = v1::Models::Stub;

absl::Status ShowTokens(const Session& session, const std::string& argument) {
  v1::TokenizeRequest request;
  ASSIGN_OR_RETURN(*request.mutable_text(), ReadArgument(session, argument));
  ASSIGN_OR_RETURN(
      const v1::TokenizeResponse response,
      Ask(&session.connection->models(), &Models::Tokenize, request));
  if (session.json) {
    Json json;
    json["tokens"] = Json::array();
    for (const int token : response.tokens()) json["tokens"].push_back(token);
    session.Print(json);
  } else {
    *session.out << absl::StrJoin(response.tokens(), " ") << std::endl;
  }
  return absl::OkStatus();
}

}  // namespace

void AddTokenize(CLI::App* app, Run* run) {
  CLI::App* command =
      app->add_subcommand("tokenize", "Give the token ids of a text");
  auto text = std::make_shared<std::string>();
  command->add_option("TEXT", *text, "The text; - reads standard input")
      ->required();
  command->callback([run, text] {
    *run = [text](const Session& session) {
      return ShowTokens(session, *text);
    };
  });
}

}  // namespace oxbow::cli
