// search: the spans of a stream's timeline that answer a query.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/span_ranker.h"
#include "clients/cli/text_argument.h"

namespace oxbow::cli {
namespace {

struct Flags {
  std::string first;   // STREAM, or with --all the QUERY
  std::string second;  // QUERY
  bool all = false;
  int top = 5;
  std::string mode = "hybrid";
  std::string instruction;
};

constexpr int kSnippetBytes = 300;  // for people; JSON has the whole span

SearchMode ModeOf(const std::string& name) {
  if (name == "vector") return SearchMode::kVector;
  if (name == "lexical") return SearchMode::kLexical;
  return SearchMode::kHybrid;
}

absl::StatusOr<std::vector<std::string>> AllStreams(Connection* connection) {
  std::vector<std::string> ids;
  v1::ListStreamsRequest request;
  request.set_page_size(1000);
  do {
    ASSIGN_OR_RETURN(
        const v1::ListStreamsResponse page,
        Ask(&connection->streams(), &v1::Streams::Stub::ListStreams, request));
    for (const v1::Stream& stream : page.streams()) {
      ids.push_back(stream.stream_id());
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return ids;
}

absl::StatusOr<std::string> TextOf(Connection* connection, const Hit& hit) {
  v1::ReadTextRequest request;
  request.set_stream_id(hit.stream_id);
  request.set_from_byte(hit.byte_begin);
  request.set_to_byte(hit.byte_end);
  grpc::ClientContext context;
  const auto reader = connection->streams().ReadText(&context, request);
  std::string text;
  for (v1::ReadTextResponse piece; reader->Read(&piece);) text += piece.text();
  RETURN_IF_ERROR(FromGrpc(reader->Finish()));
  return text;
}

void Print(const Session& session, const Hit& hit, std::string text) {
  if (session.json) {
    return session.Print({{"stream", hit.stream_id},
                          {"byte_offset", hit.byte_begin},
                          {"score", hit.score},
                          {"text", text},
                          {"byte_end", hit.byte_end}});
  }
  // One line of it: line ends are white space like any other.
  for (char& c : text) {
    if (absl::ascii_isspace(static_cast<unsigned char>(c))) c = ' ';
  }
  absl::RemoveExtraAsciiWhitespace(&text);
  const bool cut = text.size() > kSnippetBytes;
  if (cut) text.resize(kSnippetBytes);
  *session.out << absl::StrFormat("%s  byte %d  score %.3f", hit.stream_id,
                                  hit.byte_begin, hit.score)
               << "\n    " << Session::ToUtf8(text) << (cut ? " ..." : "")
               << std::endl;
}

absl::Status Search(const Session& session, const Flags& flags) {
  if (flags.all != flags.second.empty()) {
    return UsageFault("search needs STREAM and QUERY, or --all and QUERY");
  }
  std::vector<std::string> streams = {flags.first};
  if (flags.all) {
    ASSIGN_OR_RETURN(streams, AllStreams(session.connection));
  }
  ASSIGN_OR_RETURN(
      const std::string query,
      ReadArgument(session, flags.all ? flags.first : flags.second));
  ASSIGN_OR_RETURN(const auto ranker,
                   SpanRanker::Make(session.connection, ModeOf(flags.mode),
                                    query, flags.instruction));
  for (const std::string& stream : streams) {
    const absl::Status status = ranker->AddStream(stream);
    // Of all streams, those without a timeline are passed over.
    if (flags.all && ServerReason(status) == "NO_PLAN") continue;
    RETURN_IF_ERROR(status);
  }
  if (ranker->span_count() == 0) {
    return DataFault(
        "there is no timeline to search: append with --embed-every=TOKENS");
  }
  if (ranker->raw() && !session.json) {
    *session.err << "note: the server has no trained embedder, so the vectors "
                    "are a plain language model's, which are weak at search"
                 << std::endl;
  }
  ASSIGN_OR_RETURN(const std::vector<Hit> hits, ranker->Best(flags.top));
  for (const Hit& hit : hits) {
    ASSIGN_OR_RETURN(std::string text, TextOf(session.connection, hit));
    Print(session, hit, std::move(text));
  }
  return absl::OkStatus();
}

}  // namespace

void AddSearch(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "search",
      "Find the spans of a stream's timeline that answer a query.\n"
      "hybrid: the sum of the z-scores of both others; vector: the cosine of "
      "the spans'\nvectors and the query's; lexical: BM25 over the spans' "
      "text (SQLite FTS5)");
  auto flags = std::make_shared<Flags>();
  command->add_option("STREAM", flags->first, "The stream (not with --all)")
      ->required();
  command->add_option("QUERY", flags->second,
                      "What to look for; - reads standard input");
  command->add_flag("--all", flags->all, "Search all streams");
  command->add_option("--top", flags->top, "Hits")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("--mode", flags->mode, "How to rank")
      ->check(CLI::IsMember({"hybrid", "vector", "lexical"}))
      ->capture_default_str();
  command
      ->add_option("--instruction", flags->instruction,
                   "What the query is about, for a trained embedder, as embed "
                   "--instruction")
      ->type_name("TASK");
  command->callback([run, flags] {
    *run = [flags](const Session& session) { return Search(session, *flags); };
  });
}

}  // namespace oxbow::cli
