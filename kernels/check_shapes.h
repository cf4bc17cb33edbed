// What every backend checks of its arguments: wrong shapes are bugs.
#ifndef OXBOW_KERNELS_CHECK_SHAPES_H_
#define OXBOW_KERNELS_CHECK_SHAPES_H_

#include "base/check.h"
#include "kernels/ops.h"

namespace oxbow {

inline void CheckSameShape(const Rows& a, const Rows& b) {
  OXBOW_CHECK(a.count == b.count && a.width == b.width)
      << a.count << "x" << a.width << " and " << b.count << "x" << b.width;
}

inline void CheckProduct(const Product& product) {
  OXBOW_CHECK(product.x.width == product.w.inputs)
      << product.x.width << " " << product.w.inputs;
  OXBOW_CHECK(product.y.width == product.w.outputs)
      << product.y.width << " " << product.w.outputs;
  OXBOW_CHECK(product.x.count == product.y.count);
}

}  // namespace oxbow

#endif  // OXBOW_KERNELS_CHECK_SHAPES_H_
