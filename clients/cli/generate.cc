// generate: continuations from any point of a stream.
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "clients/cli/call_status.h"
#include "clients/cli/command.h"
#include "clients/cli/patience.h"
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
  std::string id;
  std::string resume;
  std::vector<int> from;
  double retry_seconds = 60;
};

// One that no other generation of the stream has.
std::string RandomId() {
  std::random_device random;
  return absl::StrFormat("cli-%08x%08x%08x%08x", random(), random(), random(),
                         random());
}

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
  request.set_request_id(flags.id.empty() ? RandomId() : flags.id);
  return request;
}

v1::GenerateRequest ResumeRequest(const Flags& flags) {
  v1::GenerateRequest request;
  request.set_stream_id(flags.stream_id);
  request.set_request_id(flags.resume);
  request.mutable_resume()->mutable_from_index()->Add(flags.from.begin(),
                                                      flags.from.end());
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

// What has been written of a generation, which a broken call leaves off at.
struct Written {
  std::vector<int> next;  // by branch: the first index that was not
  std::set<int> finished;
};

void Write(const Session& session, const Flags& flags,
           const v1::GenerateResponse& event, Written* written) {
  if (event.has_token()) {
    const size_t branch = event.token().branch();
    if (branch >= written->next.size()) written->next.resize(branch + 1);
    written->next[branch] = event.token().index() + 1;
  }
  if (event.has_finished() &&
      !written->finished.insert(event.finished().branch()).second) {
    return;
  }
  if (!session.json) {
    Write(session, flags, event);
  } else if (event.has_token()) {
    session.Print(ToJson(event.token(), flags.top_logprobs > 0));
  } else if (event.has_finished()) {
    session.Print(ToJson(event.finished()));
  }
}

absl::Status Generate(const Session& session, const Flags& flags) {
  ASSIGN_OR_RETURN(v1::GenerateRequest request,
                   flags.resume.empty() ? MakeRequest(session, flags)
                                        : ResumeRequest(flags));
  Written written;
  written.next = flags.from;
  bool begun = false;
  Patience patience(absl::Seconds(flags.retry_seconds),
                    [&session](absl::string_view sentence) {
                      if (!session.json) *session.err << sentence << std::endl;
                    });
  const auto attempt = [&]() {
    grpc::ClientContext context;
    const auto reader =
        session.connection->streams().Generate(&context, request);
    v1::GenerateResponse event;
    while (reader->Read(&event)) {
      begun = true;
      patience.Progress();
      Write(session, flags, event, &written);
      // Once it has answered, the server knows the id.
      request.mutable_resume()->mutable_from_index()->Assign(
          written.next.begin(), written.next.end());
    }
    return FromGrpc(reader->Finish());
  };
  const absl::Status status = attempt();
  if (status.ok() || !begun || !MayRetry(status)) return status;
  return patience.Try(attempt);
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
  command
      ->add_option("--id", flags->id,
                   "Name it, so that --resume can go on with it; default: a "
                   "name nobody has")
      ->capture_default_str();
  CLI::Option* const resume = command->add_option(
      "--resume", flags->resume,
      "Go on with the generation of this id, asked as it was first");
  command
      ->add_option("--from", flags->from,
                   "With --resume: how many tokens of it are there already; "
                   "one number a branch")
      ->delimiter(',')
      ->needs(resume)
      ->check(CLI::Range(0, 4096));
  AddRetryFor(command, &flags->retry_seconds);
  command->callback([run, flags] {
    *run = [flags](const Session& session) {
      return Generate(session, *flags);
    };
  });
}

}  // namespace oxbow::cli
