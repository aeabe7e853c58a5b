// The measuring loop of integer_peak.h, in the width of the including file.
#pragma once

#include "tersor/kernels/simd/integer_peak.h"
#include "tersor/kernels/simd/integer_vector.h"

namespace tersor::kernels {
namespace {

template <auto kDot>
int32_t RunPeak(int rounds) {
  constexpr int kChains = 8;
  I32 acc[kChains];
  TERSOR_UNROLL
  for (int i = 0; i < kChains; ++i) acc[i] = SetI(i);
  const I32 b = SetI(rounds);
  for (int round = 0; round < rounds; ++round) {
    TERSOR_UNROLL
    for (int i = 0; i < kChains; ++i) acc[i] = kDot(acc[i], acc[i], b);
  }
  I32 sum = acc[0];
  TERSOR_UNROLL
  for (int i = 1; i < kChains; ++i) sum = AddI(sum, acc[i]);
  return SumLanes(sum);
}

constexpr int kPeakProducts = 8 * kLanes;

}  // namespace
}  // namespace tersor::kernels
