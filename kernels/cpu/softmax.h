// What a softmax over a vocabulary is made of, in double.
#ifndef OXBOW_KERNELS_CPU_SOFTMAX_H_
#define OXBOW_KERNELS_CPU_SOFTMAX_H_

#include "absl/types/span.h"

namespace oxbow {

// Bits do not depend on the machine. exp is a polynomial of our own: within
// 4e-16 of itself, and 0 below exp(-708). None of `x` is above `shift` by more
// than 700; what is not a number counts as 0.

// The largest; x is not empty.
double MaxOf(absl::Span<const double> x);
// exp(x[0] - shift) + exp(x[1] - shift) + ..: 16 partial sums, of x[i],
// x[i+16], .., ascending; partial[i] += partial[i+h] for h = 8, 4, 2, 1.
double SumOfExps(absl::Span<const double> x, double shift);
// y[i] = exp(x[i] - shift); y is as long as x.
void Exps(absl::Span<double> y, absl::Span<const double> x, double shift);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_SOFTMAX_H_
