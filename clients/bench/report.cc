#include "clients/bench/report.h"

#include <cmath>

#include "absl/strings/str_format.h"
#include "clients/bench/generate_load.h"
#include "clients/bench/ingest_load.h"
#include "clients/bench/report_long.h"

namespace oxbow::bench {
namespace {

std::string Milliseconds(const absl::optional<double>& seconds) {
  return seconds.has_value() ? absl::StrFormat("%.2f", *seconds * 1000) : "-";
}

// NaN: there is none.
double Ratio(const absl::optional<double>& of,
             const absl::optional<double>& to) {
  return of.has_value() && to.has_value() ? *of / *to : std::nan("");
}

double TokensASecond(const IngestFigures& figures) {
  return figures.tokens / figures.seconds;
}

double InterTokenRatio(const LoadRun& run) {
  return Ratio(run.generate_mixed->inter_token.Percentile(99),
               run.generate_idle->inter_token.Percentile(99));
}

double IngestRatio(const LoadRun& run) {
  return TokensASecond(*run.ingest_mixed) / TokensASecond(*run.ingest_solo);
}

void PrintAsked(const Asked& asked, std::ostream* out) {
  const v1::Model& model = asked.model.generator();
  *out << absl::StrFormat("oxbow-bench --load=%s --server=%s", asked.load,
                          asked.server);
  if (asked.seconds > 0) *out << absl::StrFormat(", %g s each", asked.seconds);
  *out << ", " << (asked.text.empty() ? "random words" : asked.text) << "\n";
  *out << absl::StrFormat(
      "model: %s, %d layers of %d, %.1f M parameters, %s, %s; tokenizer %s\n",
      model.version(), model.layers(), model.width(), model.parameters() / 1e6,
      model.weights_dtype(), model.numerics_id(),
      asked.model.tokenizer().name());
  *out << absl::StrFormat("client: load %.1f on %d cores as it began\n",
                          asked.load_average, asked.cores);
}

void PrintIngestHead(const Asked& asked, std::ostream* out) {
  *out << absl::StrFormat(
      "\nchunks of %d bytes, %d ahead of the model; ack: chunk sent -> "
      "durable\n"
      "%-8s%8s%10s%10s%12s%12s%8s\n",
      asked.chunk_bytes, IngestLoad::kChunksAhead, "ingest", "streams",
      "tokens/s", "KB/s", "ack p50 ms", "ack p99 ms", "acks");
}

void PrintIngest(const char* when, int streams,
                 const absl::optional<IngestFigures>& figures,
                 std::ostream* out) {
  if (!figures.has_value()) return;
  *out << absl::StrFormat(
      "%-8s%8d%10.0f%10.1f%12s%12s%8d\n", when, streams,
      TokensASecond(*figures), figures->bytes / figures->seconds / 1000,
      Milliseconds(figures->ack.Percentile(50)),
      Milliseconds(figures->ack.Percentile(99)), figures->ack.count());
}

void PrintGenerateHead(std::ostream* out) {
  *out << absl::StrFormat(
      "\n%d tokens, greedily, after a prompt of %d bytes; first: request -> "
      "first token\n%-8s%8s%10s%14s%14s%13s%13s%8s\n",
      GenerateLoad::kTokens, GenerateLoad::kPromptBytes, "generate", "streams",
      "tokens/s", "first p50 ms", "first p99 ms", "next p50 ms", "next p99 ms",
      "tokens");
}

void PrintGenerate(const char* when, int streams,
                   const absl::optional<GenerateFigures>& figures,
                   std::ostream* out) {
  if (!figures.has_value()) return;
  *out << absl::StrFormat("%-8s%8d%10.0f%14s%14s%13s%13s%8d\n", when, streams,
                          figures->tokens / figures->seconds,
                          Milliseconds(figures->first_token.Percentile(50)),
                          Milliseconds(figures->first_token.Percentile(99)),
                          Milliseconds(figures->inter_token.Percentile(50)),
                          Milliseconds(figures->inter_token.Percentile(99)),
                          figures->tokens);
}

void PrintTwice(const TwiceRun& run, std::ostream* out) {
  *out << absl::StrFormat(
      "\nthe same %d bytes (%d tokens) into two streams, one after the other\n"
      "first   %.3f s, %.0f tokens/s\nsecond  %.3f s, %.0f tokens/s\n"
      "first / second: %.2f\n",
      run.bytes, run.tokens, run.first_seconds, run.tokens / run.first_seconds,
      run.second_seconds, run.tokens / run.second_seconds,
      run.first_seconds / run.second_seconds);
}

Json OrNull(const absl::optional<double>& number) {
  return number.has_value() ? Json(*number) : Json();
}

Json ToJson(const Latencies& latencies) {
  return {{"count", latencies.count()},
          {"p50_seconds", OrNull(latencies.Percentile(50))},
          {"p99_seconds", OrNull(latencies.Percentile(99))}};
}

Json ToJson(const absl::optional<IngestFigures>& figures) {
  if (!figures.has_value()) return Json();
  return {{"seconds", figures->seconds},
          {"tokens", figures->tokens},
          {"bytes", figures->bytes},
          {"tokens_per_second", TokensASecond(*figures)},
          {"bytes_per_second", figures->bytes / figures->seconds},
          {"ack", ToJson(figures->ack)}};
}

Json ToJson(const absl::optional<GenerateFigures>& figures) {
  if (!figures.has_value()) return Json();
  return {{"seconds", figures->seconds},
          {"tokens", figures->tokens},
          {"tokens_per_second", figures->tokens / figures->seconds},
          {"first_token", ToJson(figures->first_token)},
          {"inter_token", ToJson(figures->inter_token)}};
}

Json ToJson(const LoadRun& run) {
  Json json;
  json["streams"] = run.streams;
  if (run.ingest_solo) json["ingest_solo"] = ToJson(run.ingest_solo);
  if (run.generate_idle) json["generate_idle"] = ToJson(run.generate_idle);
  if (!run.ingest_mixed) return json;
  json["ingest_mixed"] = ToJson(run.ingest_mixed);
  json["generate_mixed"] = ToJson(run.generate_mixed);
  json["inter_token_p99_ratio"] = InterTokenRatio(run);
  json["ingest_ratio"] = IngestRatio(run);
  return json;
}

Json ToJson(const TwiceRun& run) {
  return {{"bytes", run.bytes},
          {"tokens", run.tokens},
          {"first_seconds", run.first_seconds},
          {"second_seconds", run.second_seconds},
          {"ratio", run.first_seconds / run.second_seconds}};
}

}  // namespace

void PrintTables(const Asked& asked, const Figures& figures,
                 std::ostream* out) {
  PrintAsked(asked, out);
  if (figures.twice.has_value()) PrintTwice(*figures.twice, out);
  if (figures.long_run.has_value()) PrintLong(*figures.long_run, out);
  bool ingests = false;
  bool generates = false;
  for (const LoadRun& run : figures.runs) {
    ingests |= run.ingest_solo.has_value();
    generates |= run.generate_idle.has_value();
  }
  if (ingests) PrintIngestHead(asked, out);
  for (const LoadRun& run : figures.runs) {
    PrintIngest("solo", run.streams, run.ingest_solo, out);
    PrintIngest("mixed", run.streams, run.ingest_mixed, out);
  }
  if (generates) PrintGenerateHead(out);
  for (const LoadRun& run : figures.runs) {
    PrintGenerate("idle", run.streams, run.generate_idle, out);
    PrintGenerate("mixed", run.streams, run.generate_mixed, out);
  }
  for (const LoadRun& run : figures.runs) {
    if (!run.ingest_mixed.has_value()) continue;
    *out << absl::StrFormat(
        "\nmixed, %d of each: next token p99 is %.2f x its idle value; "
        "ingest keeps %.0f %% of its solo speed\n",
        run.streams, InterTokenRatio(run), 100 * IngestRatio(run));
  }
  *out << std::flush;
}

Json ToJson(const Asked& asked, const Figures& figures) {
  const v1::Model& model = asked.model.generator();
  Json json;
  json["load"] = asked.load;
  json["server"] = asked.server;
  json["seconds"] = asked.seconds > 0 ? Json(asked.seconds) : Json();
  json["text"] = asked.text.empty() ? Json() : Json(asked.text);
  json["chunk_bytes"] = asked.chunk_bytes;
  json["prompt_bytes"] = GenerateLoad::kPromptBytes;
  json["generated_tokens"] = GenerateLoad::kTokens;
  json["model"] = {{"version", model.version()},
                   {"layers", model.layers()},
                   {"width", model.width()},
                   {"parameters", model.parameters()},
                   {"weights_dtype", model.weights_dtype()},
                   {"numerics_id", model.numerics_id()},
                   {"tokenizer", asked.model.tokenizer().name()}};
  json["client"] = {{"load_average", asked.load_average},
                    {"cores", asked.cores}};
  json["runs"] = Json::array();
  for (const LoadRun& run : figures.runs) json["runs"].push_back(ToJson(run));
  if (figures.twice.has_value()) json["twice"] = ToJson(*figures.twice);
  if (figures.long_run.has_value()) json["long"] = ToJson(*figures.long_run);
  return json;
}

}  // namespace oxbow::bench
