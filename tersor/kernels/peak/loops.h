// The loops behind MeasurePeak. Private to the folder.
#pragma once

#include <cstdint>

namespace tersor::kernels::peak {

/// Each runs `rounds` rounds of independent multiply-adds in registers and returns how many
/// operations they were. The sum of the registers goes to `sink`, so that nothing can be left out.
struct Loops {
  int64_t (*f32)(int64_t rounds, float* sink);
  int64_t (*int8)(int64_t rounds, float* sink);
};

#define LOOPS(name, level, loops) extern const Loops loops;
#include "tersor/kernels/peak/kernels.inc"
#undef LOOPS

}  // namespace tersor::kernels::peak
