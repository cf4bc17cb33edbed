#include "clients/bench/long_figures.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/check.h"

namespace oxbow::bench {
namespace {

constexpr double kSlack = 1.5;
constexpr double kBesidesSeconds = 0.02;

// The middle of `of` over windows begin .. end-1.
double Median(const std::vector<LongWindow>& windows, size_t begin, size_t end,
              const std::function<double(const LongWindow&)>& of) {
  OXBOW_CHECK(begin < end && end <= windows.size()) << begin << " " << end;
  std::vector<double> values;
  for (size_t i = begin; i < end; ++i) values.push_back(of(windows[i]));
  const auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double Speed(const LongWindow& window) { return window.tokens_per_second(); }
double Resident(const LongWindow& window) { return *window.resident_bytes; }

size_t Tenth(const LongRun& run) {
  return std::max<size_t>(1, run.windows.size() / 10);
}

}  // namespace

double FirstTenthSpeed(const LongRun& run) {
  return Median(run.windows, 0, Tenth(run), Speed);
}

double LastTenthSpeed(const LongRun& run) {
  const size_t count = run.windows.size();
  return Median(run.windows, count - Tenth(run), count, Speed);
}

double PrefillSpeed(const LongRun& run) {
  return Median(run.windows, 0, run.windows.size(), Speed);
}

double AllowedSeconds(const LongRun& run, const LongProbe& probe) {
  return kSlack * probe.distance_tokens / PrefillSpeed(run) + kBesidesSeconds;
}

double ShareWithinAllowed(const LongRun& run) {
  if (run.probes.empty()) return std::nan("");
  const auto within = std::count_if(
      run.probes.begin(), run.probes.end(), [&run](const LongProbe& probe) {
        return probe.seconds <= AllowedSeconds(run, probe);
      });
  return static_cast<double>(within) / run.probes.size();
}

absl::optional<double> ResidentRatio(const LongRun& run) {
  for (const LongWindow& window : run.windows) {
    if (!window.resident_bytes.has_value()) return absl::nullopt;
  }
  const size_t count = run.windows.size();
  return Median(run.windows, count - Tenth(run), count, Resident) /
         Median(run.windows, 0, Tenth(run), Resident);
}

}  // namespace oxbow::bench
