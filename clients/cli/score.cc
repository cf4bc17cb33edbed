// score: log-probabilities of given continuations.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/text_argument.h"

namespace oxbow::cli {
namespace {

struct Flags {
  std::string stream_id;
  bool tokens = false;
};

absl::StatusOr<v1::ScoreRequest> MakeRequest(
    const Flags& flags, const std::vector<std::string>& texts) {
  v1::ScoreRequest request;
  request.set_stream_id(flags.stream_id);
  for (const std::string& text : texts) {
    if (!flags.tokens) {
      request.mutable_texts()->add_texts(text);
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<int> ids, ParseIds(text));
    request.mutable_tokens()->add_lists()->mutable_ids()->Add(ids.begin(),
                                                              ids.end());
  }
  return request;
}

absl::Status Score(const Session& session, const Flags& flags,
                   const std::vector<std::string>& arguments) {
  if (arguments.empty()) return UsageFault("score needs at least one TEXT");
  std::vector<std::string> texts;
  for (const std::string& argument : arguments) {
    if (absl::StartsWith(argument, "--")) {
      return UsageFault(
          absl::StrCat("score knows no flag ", argument,
                       "; --json and --server stand before the command"));
    }
    ASSIGN_OR_RETURN(texts.emplace_back(), ReadArgument(session, argument));
  }
  ASSIGN_OR_RETURN(const v1::ScoreRequest request, MakeRequest(flags, texts));
  ASSIGN_OR_RETURN(
      const v1::ScoreResponse response,
      Ask(&session.connection->streams(), &v1::Streams::Stub::Score, request));
  for (int i = 0; i < response.scores_size(); ++i) {
    const v1::ScoredText& score = response.scores(i);
    if (!session.json) {
      *session.out << absl::StrFormat("%12.6f  %s", score.logprob(), texts[i])
                   << std::endl;
      continue;
    }
    Json json = {{"text", texts[i]}, {"logprob", score.logprob()}};
    json["tokens"] = Json::array();
    for (const v1::TokenLogprob& token : score.tokens()) {
      json["tokens"].push_back(
          {{"token", token.token()}, {"logprob", token.logprob()}});
    }
    session.Print(json);
  }
  return absl::OkStatus();
}

}  // namespace

void AddScore(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "score",
      "Give the log-probability (natural) of each TEXT as a continuation of "
      "the head.\nUsage: oxbow score STREAM TEXT... [--tokens]; a TEXT of - "
      "reads standard input");
  auto flags = std::make_shared<Flags>();
  command->add_option("STREAM", flags->stream_id, "The stream")->required();
  command->add_flag("--tokens", flags->tokens,
                    "Each TEXT is token ids, separated by white space");
  // CLI11 would cut a list's "[a,b]" in two; what it does not know it leaves
  // as it is.
  command->allow_extras();
  command->fallthrough(false);
  command->callback([run, flags, command] {
    const std::vector<std::string> texts = command->remaining();
    *run = [flags, texts](const Session& session) {
      return Score(session, *flags, texts);
    };
  });
}

}  // namespace oxbow::cli
