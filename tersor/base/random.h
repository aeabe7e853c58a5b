// Counter-based random numbers (Philox 4x32-10, Salmon et al. 2011): a value is a function of
// (seed, stream, counter), so any thread can make any part of a sequence and a resumed run needs no
// state but its step.
#pragma once

#include <array>
#include <cstdint>

namespace tersor {

/// Four independent 32-bit values for one counter.
std::array<uint32_t, 4> Philox(uint64_t seed, uint64_t stream, uint64_t counter);

/// A sequence over one (seed, stream). Cheap to make and to copy. Not for several threads at once.
class Random {
 public:
  Random(uint64_t seed, uint64_t stream, uint64_t counter = 0)
      : seed_(seed), stream_(stream), counter_(counter) {}

  uint32_t NextU32();
  uint64_t NextU64();
  float NextFloat();                   ///< uniform in [0, 1), 24 bits
  double NextDouble();                 ///< uniform in [0, 1), 53 bits
  float NextNormal();                  ///< mean 0, deviation 1 (Box-Muller)
  uint64_t NextBelow(uint64_t bound);  ///< uniform in [0, bound), without bias; bound > 0

 private:
  uint64_t seed_, stream_, counter_;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
};

}  // namespace tersor
