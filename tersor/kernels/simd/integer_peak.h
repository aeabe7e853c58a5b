// The integer peak of this core: what a kernel's speed is a share of.
#pragma once

#include "tersor/base/cpu.h"

namespace tersor::kernels {

/// Products of two integers, summed in int32, that one core does per second with the best
/// instruction of a level: 16-bit pair products with avx2 and avx512, u8 by i8 quads with
/// avx512vnni. Measured once in about a millisecond; 0 where the machine lacks the level.
double PeakProductsPerSecond(CpuLevel level);

/// The measuring loops: `rounds` rounds of 16 independent vector products; what they return keeps
/// them from being left out. `products` is set to the products of one round.
int32_t RunPairPeakAvx2(int rounds, int* products);
int32_t RunPairPeakAvx512(int rounds, int* products);
int32_t RunQuadPeakAvx512Vnni(int rounds, int* products);

}  // namespace tersor::kernels
