// The loops of loops.h over the vector of the including file.
#pragma once

#include "tersor/kernels/peak/loops.h"
#include "tersor/kernels/simd/vector.h"

namespace tersor::kernels::peak {
namespace {

// Twelve chains hide a latency of five cycles on two ports. Each begins with a value of its own:
// equal chains could be computed once.
constexpr int kChains = 12;

int64_t RunF32(int64_t rounds, float* sink) {
  F32 sums[kChains];
  const F32 factor = F32::Fill(*sink);
  TERSOR_UNROLL
  for (int i = 0; i < kChains; ++i) sums[i] = F32::Fill(*sink + static_cast<float>(i));
  for (int64_t round = 0; round < rounds; ++round) {
    TERSOR_UNROLL
    for (int i = 0; i < kChains; ++i) sums[i] = MultiplyAdd(sums[i], factor, factor);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = sums[0] + sums[i];
  *sink = Sum(sums[0]);
  return rounds * kChains * kLanes * 2;
}

/// Of the best instruction whose sum cannot saturate.
int64_t RunInt8(int64_t rounds, float* sink) {
#if defined(TERSOR_DOT_QUADS)
  constexpr int kProducts = 4;
  constexpr auto kDot = DotQuads;
#else
  constexpr int kProducts = 2;
  constexpr auto kDot = DotPairs;
#endif
  I32 sums[kChains];
  const I32 factor = I32::Fill(static_cast<int32_t>(*sink * 65536) + 1);
  TERSOR_UNROLL
  for (int i = 0; i < kChains; ++i) sums[i] = I32::Fill(i);
  for (int64_t round = 0; round < rounds; ++round) {
    TERSOR_UNROLL
    for (int i = 0; i < kChains; ++i) sums[i] = kDot(sums[i], sums[i], factor);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = sums[0] + sums[i];
  *sink += static_cast<float>(Sum(sums[0]) & 1);
  return rounds * kChains * kLanes * kProducts * 2;
}

constexpr Loops kLoops = {RunF32, RunInt8};

}  // namespace
}  // namespace tersor::kernels::peak
