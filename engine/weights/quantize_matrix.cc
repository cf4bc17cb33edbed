#include "engine/weights/quantize_matrix.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "engine/weights/for_each_part.h"
#include "kernels/blocks.h"
#include "kernels/cpu/quantize_blocks.h"

namespace oxbow {

void QuantizeMatrix(ByteBuffer* bytes, int64_t rows, int64_t columns,
                    DType from, DType to, int threads) {
  const int64_t from_bytes = BytesOf(from, columns);
  const int64_t to_bytes = BytesOf(to, columns);
  OXBOW_CHECK(to_bytes <= from_bytes) << NameOf(from) << " to " << NameOf(to);
  const int64_t parts = std::max<int64_t>(1, std::min<int64_t>(threads, rows));
  const auto begin_of = [&](int64_t part) { return rows * part / parts; };
  // Each part fills the room of its own first rows, for no row grows.
  const auto quantize = [&](int64_t part) {
    std::vector<float> numbers(columns);
    const char* read = bytes->data() + begin_of(part) * from_bytes;
    char* write = bytes->data() + begin_of(part) * from_bytes;
    for (int64_t row = begin_of(part); row < begin_of(part + 1); ++row) {
      Dequantize(numbers.data(), read, from, columns);
      QuantizeBlocks(write, numbers.data(), to, columns);
      read += from_bytes;
      write += to_bytes;
    }
  };
  ForEachPart(parts, quantize);
  for (int64_t part = 1; part < parts; ++part) {
    std::memmove(bytes->data() + begin_of(part) * to_bytes,
                 bytes->data() + begin_of(part) * from_bytes,
                 (begin_of(part + 1) - begin_of(part)) * to_bytes);
  }
  OXBOW_CHECK(bytes->Resize(rows * to_bytes));
}

}  // namespace oxbow
