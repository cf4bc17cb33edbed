#include "engine/model/own_exp.h"

#include <algorithm>
#include <cmath>

namespace oxbow {
namespace {

// ln 2 in two parts; the first has zeros for its last bits, so that a whole
// number of them is exact.
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;
// |r| <= ln(2) / 2: r^14 / 14! is below 1e-17.
constexpr int kTerms = 13;

}  // namespace

double OwnExp(double x) {
  x = std::min(std::max(x, -700.0), 700.0);
  const double n = std::nearbyint(x / (kLn2High + kLn2Low));
  const double r = (x - n * kLn2High) - n * kLn2Low;
  double sum = 1.0;
  for (int k = kTerms; k >= 1; --k) sum = 1.0 + sum * r / k;
  return std::ldexp(sum, static_cast<int>(n));
}

}  // namespace oxbow
