#include "clients/cli/fuse_scores.h"

#include <cmath>
#include <cstddef>

#include "base/check.h"

namespace oxbow::cli {

double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return 0;
  double product = 0, a2 = 0, b2 = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += double{a[i]} * b[i];
    a2 += double{a[i]} * a[i];
    b2 += double{b[i]} * b[i];
  }
  return a2 > 0 && b2 > 0 ? product / std::sqrt(a2 * b2) : 0;
}

std::vector<double> ToZScores(const std::vector<double>& scores) {
  double sum = 0;
  for (const double score : scores) sum += score;
  const double mean = scores.empty() ? 0 : sum / scores.size();
  double variance = 0;
  for (const double score : scores) variance += (score - mean) * (score - mean);
  const double deviation =
      scores.empty() ? 0 : std::sqrt(variance / scores.size());
  std::vector<double> z(scores.size(), 0.0);
  if (deviation < 1e-12) return z;
  for (size_t i = 0; i < z.size(); ++i) z[i] = (scores[i] - mean) / deviation;
  return z;
}

std::vector<double> FuseScores(const std::vector<double>& vector_scores,
                               const std::vector<double>& lexical_scores) {
  OXBOW_CHECK(vector_scores.size() == lexical_scores.size());
  std::vector<double> fused = ToZScores(vector_scores);
  const std::vector<double> lexical = ToZScores(lexical_scores);
  for (size_t i = 0; i < fused.size(); ++i) fused[i] += lexical[i];
  return fused;
}

}  // namespace oxbow::cli
