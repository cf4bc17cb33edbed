#include "clients/bench/report_long.h"

#include "absl/strings/str_format.h"

namespace oxbow::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMiB = 1 << 20;

void PrintResident(const LongRun& run, std::ostream* out) {
  const auto ratio = ResidentRatio(run);
  if (!ratio.has_value()) return;
  *out << absl::StrFormat(
      "the server's memory: %.1f MiB after the first window, %.1f MiB after "
      "the last; last / first tenth %.3f\n",
      *run.windows.front().resident_bytes / kMiB,
      *run.windows.back().resident_bytes / kMiB, *ratio);
}

void PrintProbes(const LongRun& run, std::ostream* out) {
  if (run.probes.empty()) return;
  const LongProbe* slowest = &run.probes.front();
  const auto share = [&run](const LongProbe& probe) {
    return probe.seconds / AllowedSeconds(run, probe);
  };
  for (const LongProbe& probe : run.probes) {
    if (share(probe) > share(*slowest)) slowest = &probe;
  }
  *out << absl::StrFormat(
      "%d places embedded, %d checkpoints kept: %.1f %% within 1.5 x distance "
      "/ speed + 20 ms\nthe slowest beside what it may take: %.3f s of %.3f "
      "s, %d tokens from its checkpoint\n",
      run.probes.size(), run.checkpoints, 100 * ShareWithinAllowed(run),
      slowest->seconds, AllowedSeconds(run, *slowest),
      slowest->distance_tokens);
}

Json WindowsOf(const LongRun& run) {
  Json list = Json::array();
  for (const LongWindow& window : run.windows) {
    Json json = {{"token_end", window.token_end},
                 {"tokens", window.tokens},
                 {"seconds", window.seconds},
                 {"tokens_per_second", window.tokens_per_second()}};
    json["resident_bytes"] = window.resident_bytes.has_value()
                                 ? Json(*window.resident_bytes)
                                 : Json();
    list.push_back(std::move(json));
  }
  return list;
}

Json ProbesOf(const LongRun& run) {
  Json list = Json::array();
  for (const LongProbe& probe : run.probes) {
    list.push_back({{"byte_offset", probe.byte_offset},
                    {"token_offset", probe.token_offset},
                    {"distance_tokens", probe.distance_tokens},
                    {"seconds", probe.seconds},
                    {"allowed_seconds", AllowedSeconds(run, probe)}});
  }
  return list;
}

}  // namespace

void PrintLong(const LongRun& run, std::ostream* out) {
  *out << absl::StrFormat(
      "\none document of %d tokens, %d bytes, in %d windows\n"
      "first tenth  %.0f tokens/s\nlast tenth   %.0f tokens/s\n"
      "last / first %.3f (medians of their windows)\n",
      run.tokens, run.bytes, run.windows.size(), FirstTenthSpeed(run),
      LastTenthSpeed(run), LastTenthSpeed(run) / FirstTenthSpeed(run));
  PrintResident(run, out);
  *out << absl::StrFormat("vectors stored: %d of %d, one every %d tokens\n",
                          run.embeddings_stored, run.embeddings_expected,
                          run.embed_every);
  PrintProbes(run, out);
}

Json ToJson(const LongRun& run) {
  Json json = {{"tokens", run.tokens},
               {"bytes", run.bytes},
               {"first_tenth_tokens_per_second", FirstTenthSpeed(run)},
               {"last_tenth_tokens_per_second", LastTenthSpeed(run)},
               {"ratio", LastTenthSpeed(run) / FirstTenthSpeed(run)},
               {"tokens_per_second", PrefillSpeed(run)},
               {"embed_every_tokens", run.embed_every},
               {"embeddings_expected", run.embeddings_expected},
               {"embeddings_stored", run.embeddings_stored},
               {"checkpoints", run.checkpoints}};
  const auto resident = ResidentRatio(run);
  json["resident_ratio"] = resident.has_value() ? Json(*resident) : Json();
  json["probes_within_allowed"] =
      run.probes.empty() ? Json() : Json(ShareWithinAllowed(run));
  json["windows"] = WindowsOf(run);
  json["probes"] = ProbesOf(run);
  return json;
}

}  // namespace oxbow::bench
