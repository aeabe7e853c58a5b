// The loops behind MeasurePeak. Private to the folder.
#pragma once

#include <cstdint>

namespace tersor::kernels::peak {

/// Runs `rounds` rounds and returns how many operations they were. The sum of the registers goes to
/// `sink`, so that nothing can be left out.
using Loop = int64_t (*)(int64_t rounds, float* sink);

// KERNEL(name, CPU level, f32 loop, int8 loop), best first.
#define KERNEL(name, level, f32, int8)      \
  int64_t f32(int64_t rounds, float* sink); \
  int64_t int8(int64_t rounds, float* sink);
#include "tersor/kernels/peak/kernels.inc"
#undef KERNEL

}  // namespace tersor::kernels::peak
