#include "tests/bench/random_shapes.h"

#include "base/check.h"

namespace oxbow {

std::vector<std::string> ShapeNames() { return {"0.1B", "0.4B", "1.5B"}; }

RandomShape ShapeOf(const std::string& name) {
  RandomShape shape;  // of 0.1B
  if (name == "0.4B") {
    shape.layers = 24;
    shape.width = 1024;
  } else if (name == "1.5B") {
    shape.layers = 24;
    shape.width = 2048;
    shape.w_rank = shape.a_rank = 96;
    shape.v_rank = 64;
    shape.g_rank = 256;
  } else {
    OXBOW_CHECK(name == "0.1B") << name;
  }
  shape.ffn_width = 4 * shape.width;
  return shape;
}

}  // namespace oxbow
