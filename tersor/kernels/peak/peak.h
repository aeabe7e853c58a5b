// What this CPU can do at best: the yardstick of every share of the peak.
#pragma once

#include "tersor/base/cpu.h"

namespace tersor::kernels::peak {

/// Operations a second of one core, a multiply-accumulate counted as two: independent fused
/// multiply-adds on f32 (int8: multiply-adds of the best integer instruction that cannot saturate)
/// in registers, nothing loaded or stored.
struct Peak {
  double f32_gops = 0;
  double int8_gops = 0;
};

/// Measures on the spot with the best instructions of `cpu`, for about 20 ms; the best of several
/// tries, so that a disturbance does not count. Measured once per set of features; later calls
/// return the same figures.
Peak MeasurePeak(CpuFeatures cpu);

}  // namespace tersor::kernels::peak
