#include "clients/cli/cli.h"

#include <string>

#include "CLI/CLI.hpp"
#include "clients/cli/call_status.h"
#include "clients/cli/command.h"

namespace oxbow::cli {
namespace {

constexpr char kDescription[] =
    "oxbow talks to an oxbowd: documents of any length as durable streams.\n";

constexpr char kFooter[] = R"(
With --json each command prints one JSON object a line; `text` is UTF-8 with
U+FFFD where needed, `bytes` the exact bytes in base64. In order:
  append       {"stream","byte_offset","token_offset","durable","applied",
               "checkpoint","state_digest"} once all is applied
  checkpoint   {"stream","byte_offset","token_offset","state_digest",
               "labels",..}
  checkpoints  a line each {"byte_offset","token_offset","labels","created",..}
  embed        {"values":[..],"dimensions","pooling","byte_offset",..}
  export       {"stream","file","bytes"}
  fork         as show, without a digest
  generate     a line a token {"branch","token","text","bytes","logprob",
               "top_logprobs":[{"token","logprob"}]}, and a line a finished
               branch {"branch","finish_reason","text",..}; reasons are length,
               stop_text, stop_token, end_of_document
  import       as show, without a digest
  ls           a line a stream, as show without a digest
  model        {"generator":{..},"embedder":{..},"reranker":{..},
               "tokenizer":{..}}
  rerank       a line a stream, the best first {"stream","index","score",
               "logit","byte_offset","plain"}
  rm           {"stream","removed"}
  score        a line a text {"text","logprob","tokens":[{"token","logprob"}]}
  search       a line a hit {"stream","byte_offset","score","text",..}
  show         {"stream","byte_offset","token_offset","state_digest","durable",
               "applied","checkpoint","labels","created",..}
  text         a line a piece {"byte_offset","text","bytes"}
  tokenize     {"tokens":[..]}

Errors are one sentence on standard error, with the gRPC code and the reason.
Exit codes: 0 done. 1 the server refused. 64 the command line is wrong. 65 the
document and the stream do not go together. 66 a file cannot be read. 69 the
server cannot be reached or is going down. 75 the server is full: try later.
)";

void AddCommands(CLI::App* app, Run* run) {
  AddAppend(app, run);
  AddEmbed(app, run);
  AddSearch(app, run);
  AddRerank(app, run);
  AddGenerate(app, run);
  AddScore(app, run);
  AddFork(app, run);
  AddCheckpoint(app, run);
  AddCheckpoints(app, run);
  AddExport(app, run);
  AddImport(app, run);
  AddLs(app, run);
  AddShow(app, run);
  AddRm(app, run);
  AddText(app, run);
  AddTokenize(app, run);
  AddModel(app, run);
}

}  // namespace

int RunCli(int argc, const char* const* argv, const Streams& streams) {
  CLI::App app(kDescription, "oxbow");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();
  std::string server = "127.0.0.1:7007";
  Session session;
  app.add_option("--server", server, "The server")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_flag("--json", session.json, "One JSON object a line");
  Run run;
  AddCommands(&app, &run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return app.exit(error, *streams.out, *streams.err);
    }
    *streams.err << "oxbow: " << error.what() << "; see oxbow --help"
                 << std::endl;
    return kExitUsage;
  }
  Connection connection(server);
  session.connection = &connection;
  session.stdin_fd = streams.stdin_fd;
  session.out = streams.out;
  session.err = streams.err;
  session.err_is_terminal = streams.err_is_terminal;
  const absl::Status status = run(session);
  if (!status.ok()) {
    *streams.err << "oxbow: " << Sentence(status) << std::endl;
  }
  return ExitCodeOf(status);
}

}  // namespace oxbow::cli
