#include "engine/model/scratch.h"

#include <utility>

#include "base/check.h"

namespace oxbow {
namespace {

// Full registers of 16, and one more so that rows of a power of two do not
// all fall into the same cache sets.
int64_t PitchOf(int width) { return (width + 15) / 16 * 16 + 16; }

}  // namespace

int Scratch::Add(int width) {
  OXBOW_CHECK(count_max_ == 0);
  kinds_.push_back({width, PitchOf(width), Buffer()});
  return static_cast<int>(kinds_.size()) - 1;
}

void Scratch::Resize(int count) {
  count_ = count;
  if (count <= count_max_) return;
  for (Kind& kind : kinds_) {
    kind.buffer = Buffer();  // Frees first: both would not fit as easily.
    auto buffer = ops_->Allocate(count * kind.pitch);
    OXBOW_CHECK_OK(buffer.status());
    kind.buffer = *std::move(buffer);
  }
  count_max_ = count;
}

Rows Scratch::Get(int index) const {
  const Kind& kind = kinds_[index];
  return Rows{kind.buffer.data(), count_, kind.width, kind.pitch};
}

}  // namespace oxbow
