// generate: continuations from any point of a stream.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/text_argument.h"

namespace oxbow::cli {
namespace {

struct Flags {
  std::string stream_id;
  int64_t at_byte = -1;
  int max_tokens = 64;
  float temperature = 1.0f;
  float top_p = 0.85f;
  uint64_t seed = 0;
  int branches = 1;
  std::string keep_as;
  bool commit = false;
  std::vector<std::string> stops;
  int top_logprobs = 0;
  std::string prompt;
  bool tokens = false;
};

absl::StatusOr<v1::GenerateRequest> MakeRequest(const Session& session,
                                                const Flags& flags) {
  v1::GenerateRequest request;
  request.set_stream_id(flags.stream_id);
  *request.mutable_at() = MakeAt(flags.at_byte, -1);
  ASSIGN_OR_RETURN(const std::string prompt,
                   ReadArgument(session, flags.prompt));
  if (flags.tokens) {
    ASSIGN_OR_RETURN(const std::vector<int> ids, ParseIds(prompt));
    request.mutable_prompt_tokens()->mutable_ids()->Add(ids.begin(), ids.end());
  } else if (!prompt.empty()) {
    request.set_prompt_text(prompt);
  }
  request.mutable_sampling()->set_temperature(flags.temperature);
  request.mutable_sampling()->set_top_p(flags.top_p);
  request.mutable_sampling()->set_seed(flags.seed);
  request.set_branches(flags.branches);
  request.set_max_tokens(flags.max_tokens);
  for (const std::string& stop : flags.stops) request.add_stop_texts(stop);
  request.set_top_logprobs(flags.top_logprobs);
  request.set_keep_as(flags.keep_as);
  request.set_commit(flags.commit);
  return request;
}

Json ToJson(const v1::GeneratedToken& token, bool with_top) {
  Json json;
  json["branch"] = token.branch();
  json["token"] = token.token();
  json["text"] = token.text();
  json["bytes"] = absl::Base64Escape(token.text());
  json["logprob"] = token.logprob();
  if (with_top) {
    json["top_logprobs"] = Json::array();
    for (const v1::TokenLogprob& top : token.top_logprobs()) {
      json["top_logprobs"].push_back(
          {{"token", top.token()}, {"logprob", top.logprob()}});
    }
  }
  return json;
}

std::string NameOf(v1::FinishReason reason) {
  switch (reason) {
    case v1::FINISH_REASON_LENGTH:
      return "length";
    case v1::FINISH_REASON_STOP_TEXT:
      return "stop_text";
    case v1::FINISH_REASON_STOP_TOKEN:
      return "stop_token";
    case v1::FINISH_REASON_END_OF_DOCUMENT:
      return "end_of_document";
    default:
      return "unknown";
  }
}

Json ToJson(const v1::FinishedBranch& branch) {
  Json json;
  json["branch"] = branch.branch();
  json["finish_reason"] = NameOf(branch.finish_reason());
  json["text"] = branch.text();
  json["bytes"] = absl::Base64Escape(branch.text());
  json["tokens"] = branch.tokens();
  if (!branch.kept_as().empty()) json["kept_as"] = branch.kept_as();
  if (branch.has_committed()) {
    json["byte_offset"] = branch.committed().position().byte_offset();
    json["token_offset"] = branch.committed().token_offset();
  }
  return json;
}

// For people: one branch is written as it comes, several one after another.
void Write(const Session& session, const Flags& flags,
           const v1::GenerateResponse& event) {
  if (event.has_token() && flags.branches == 1) {
    *session.out << event.token().text() << std::flush;
  }
  if (!event.has_finished()) return;
  const v1::FinishedBranch& branch = event.finished();
  if (flags.branches == 1) {
    *session.out << std::endl;
  } else {
    *session.out << "--- branch " << branch.branch() << " ("
                 << NameOf(branch.finish_reason()) << ")\n"
                 << branch.text() << std::endl;
  }
  if (!branch.kept_as().empty()) {
    *session.err << "kept as " << branch.kept_as() << std::endl;
  }
}

absl::Status Generate(const Session& session, const Flags& flags) {
  ASSIGN_OR_RETURN(const v1::GenerateRequest request,
                   MakeRequest(session, flags));
  grpc::ClientContext context;
  const auto reader = session.connection->streams().Generate(&context, request);
  v1::GenerateResponse event;
  while (reader->Read(&event)) {
    if (!session.json) {
      Write(session, flags, event);
    } else if (event.has_token()) {
      session.Print(ToJson(event.token(), flags.top_logprobs > 0));
    } else if (event.has_finished()) {
      session.Print(ToJson(event.finished()));
    }
  }
  return FromGrpc(reader->Finish());
}

}  // namespace

void AddGenerate(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "generate",
      "Continue a stream from any point; nothing is kept unless "
      "--keep-as or --commit says so");
  auto flags = std::make_shared<Flags>();
  command->add_option("STREAM", flags->stream_id, "The stream")->required();
  command
      ->add_option("--at-byte", flags->at_byte,
                   "Where to begin; default: the head")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--max-tokens", flags->max_tokens, "Of each branch")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_option("--temperature", flags->temperature, "0: greedy")
      ->capture_default_str();
  command->add_option("--top-p", flags->top_p, "0: greedy")
      ->capture_default_str();
  command->add_option("--seed", flags->seed, "The same seed, the same text")
      ->capture_default_str();
  command->add_option("--branches", flags->branches, "Continuations at once")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  command->add_option("--keep-as", flags->keep_as,
                      "Keep the result as this stream; ID.1 .. ID.n with n "
                      "branches");
  command->add_flag("--commit", flags->commit,
                    "Add prompt and result to the stream itself");
  command
      ->add_option("--stop", flags->stops,
                   "End before this text; may be given several times")
      ->allow_extra_args(false);
  command
      ->add_option("--top-logprobs", flags->top_logprobs,
                   "With --json: so many likeliest tokens of each place")
      ->check(CLI::Range(0, 20))
      ->capture_default_str();
  command->add_option("--prompt", flags->prompt,
                      "Read this first; - reads standard input");
  command->add_flag("--tokens", flags->tokens,
                    "The prompt is token ids, separated by white space");
  command->callback([run, flags] {
    *run = [flags](const Session& session) {
      return Generate(session, *flags);
    };
  });
}

}  // namespace oxbow::cli
