// A row of a matrix that a low-rank product is added to.
#ifndef OXBOW_KERNELS_CPU_LOW_RANK_ROW_H_
#define OXBOW_KERNELS_CPU_LOW_RANK_ROW_H_

namespace oxbow {

// row[c] += scale * (b[0] a[0][c] + b[1] a[1][c] + ..) for each of `width`
// columns c; a[rank, width] lies row after row. In fp32, in this order:
//   sum = 0; for r = 0, 1, ..: sum = fma(b[r], a[r][c], sum)
//   row[c] = fma(scale, sum, row[c])
void AddLowRankRow(float* row, const float* b, const float* a, int rank,
                   int width, float scale);

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CPU_LOW_RANK_ROW_H_
