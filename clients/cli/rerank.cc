// rerank: streams by how well they answer a query.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/text_argument.h"

namespace oxbow::cli {
namespace {

struct Flags {
  std::string query;
  std::vector<std::string> streams;
  int top = 0;
};

// STREAM or STREAM@BYTE.
absl::StatusOr<v1::StreamPoint> PointOf(const std::string& argument) {
  const std::vector<std::string> parts =
      absl::StrSplit(argument, absl::MaxSplits('@', 1));
  v1::StreamPoint point;
  point.set_stream_id(parts[0]);
  int64_t at_byte = -1;
  if (parts.size() > 1 &&
      (!absl::SimpleAtoi(parts[1], &at_byte) || at_byte < 0)) {
    return UsageFault(
        absl::StrCat("want STREAM or STREAM@BYTE, not ", argument));
  }
  *point.mutable_at() = MakeAt(at_byte, -1);
  return point;
}

void Print(const Session& session, int rank, const v1::RankedStream& ranked) {
  const int64_t byte = ranked.point().position().byte_offset();
  if (session.json) {
    return session.Print({{"stream", ranked.stream_id()},
                          {"index", ranked.index()},
                          {"score", ranked.score()},
                          {"logit", ranked.logit()},
                          {"byte_offset", byte},
                          {"plain", ranked.plain()}});
  }
  *session.out << absl::StrFormat("%4d  score %.4f  %s  byte %d%s", rank,
                                  ranked.score(), ranked.stream_id(), byte,
                                  ranked.plain() ? "  (plain)" : "")
               << std::endl;
}

absl::Status Rerank(const Session& session, const Flags& flags) {
  v1::RerankRequest request;
  ASSIGN_OR_RETURN(*request.mutable_text(), ReadArgument(session, flags.query));
  for (const std::string& stream : flags.streams) {
    ASSIGN_OR_RETURN(*request.add_streams(), PointOf(stream));
  }
  ASSIGN_OR_RETURN(
      const v1::RerankResponse response,
      Ask(&session.connection->streams(), &v1::Streams::Stub::Rerank, request));
  bool any_plain = false;
  int rank = 0;
  for (const v1::RankedStream& ranked : response.ranked()) {
    if (flags.top > 0 && rank == flags.top) break;
    any_plain |= ranked.plain();
    Print(session, ++rank, ranked);
  }
  if (any_plain && !session.json) {
    *session.err << "note: plain streams were made without --rerankable; their "
                    "scores are less exact"
                 << std::endl;
  }
  return absl::OkStatus();
}

}  // namespace

void AddRerank(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand(
      "rerank",
      "Rank streams by how well they answer a query, without reading them "
      "again.\nThe server needs a reranker; append the streams with "
      "--rerankable");
  auto flags = std::make_shared<Flags>();
  command
      ->add_option("QUERY", flags->query, "The query; - reads standard input")
      ->required();
  command
      ->add_option("STREAM", flags->streams,
                   "The streams; STREAM@BYTE: as it was at that byte")
      ->required();
  command->add_option("--top", flags->top, "Only so many; 0: all")
      ->check(CLI::NonNegativeNumber);
  command->callback([run, flags] {
    *run = [flags](const Session& session) { return Rerank(session, *flags); };
  });
}

}  // namespace oxbow::cli
