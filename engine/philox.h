// Random numbers that are a function of where they are drawn.
#ifndef OXBOW_ENGINE_PHILOX_H_
#define OXBOW_ENGINE_PHILOX_H_

#include <array>
#include <cstdint>

namespace oxbow {

// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
// 3", 2011): 128 random bits that depend on counter and key alone, so that a
// draw does not depend on what was drawn before it.
std::array<uint32_t, 4> Philox(std::array<uint32_t, 4> counter,
                               std::array<uint32_t, 2> key);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_PHILOX_H_
