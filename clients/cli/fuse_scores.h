// Two rankings of the same spans as one.
#ifndef OXBOW_CLIENTS_CLI_FUSE_SCORES_H_
#define OXBOW_CLIENTS_CLI_FUSE_SCORES_H_

#include <vector>

namespace oxbow::cli {

// Cosine of two vectors; 0 if one is zero or they differ in length.
double Cosine(const std::vector<float>& a, const std::vector<float>& b);

// Each score as its distance from the mean in standard deviations; all 0 if
// they do not differ.
std::vector<double> ToZScores(const std::vector<double>& scores);

// The sum of both z-scores, span by span. BM25 and cosines have no common
// unit; in standard deviations each counts as much as it tells spans apart.
std::vector<double> FuseScores(const std::vector<double>& vector_scores,
                               const std::vector<double>& lexical_scores);

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_FUSE_SCORES_H_
