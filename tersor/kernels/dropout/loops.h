// The loop that one instruction set provides; see elementwise/loops.h for why it is a plain
// pointer.
#pragma once

#include <cstdint>

namespace tersor::kernels::dropout {

/// The drawing of dropout.h for elements whose first has the global index `first`, a multiple of 4.
struct Draw {
  uint64_t seed, stream, first;
  uint32_t threshold;  ///< a word is kept from here on
  float scale;         ///< of what is kept
};

struct Loops {
  /// Does as many of `count` elements as fill whole blocks, from the first on, and returns how many
  /// these are. `output` may be `input`.
  int64_t (*apply_blocks)(const Draw& draw, const float* input, float* output, int64_t count);
};

#define LOOPS(name, level, loops) extern const Loops loops;
#include "tersor/kernels/dropout/kernels.inc"
#undef LOOPS

}  // namespace tersor::kernels::dropout
