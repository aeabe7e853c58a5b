#include "tersor/kernels/peak/loops.h"
#include "tersor/kernels/simd/intrinsics.h"

namespace tersor::kernels::peak {

// Twelve chains hide a latency of five cycles on two ports.
constexpr int kChains = 12;

int64_t F32LoopAvx2(int64_t rounds, float* sink) {
  __m256 sums[kChains];
  const __m256 factor = _mm256_set1_ps(*sink);
  for (auto& sum : sums) sum = factor;
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) {
      sums[i] = _mm256_fmadd_ps(sums[i], factor, factor);
      asm volatile("" : "+x"(sums[i]));
    }
  }
  __m256 total = sums[0];
  for (int i = 1; i < kChains; ++i) total = _mm256_add_ps(total, sums[i]);
  *sink = _mm256_cvtss_f32(total);
  return rounds * kChains * 8 * 2;
}

int64_t Int8LoopAvx2(int64_t rounds, float* sink) {
  __m256i sums[kChains];
  const __m256i factor = _mm256_set1_epi16(static_cast<int16_t>(*sink));
  for (auto& sum : sums) sum = factor;
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) {
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(sums[i], factor));
      asm volatile("" : "+x"(sums[i]));
    }
  }
  __m256i total = sums[0];
  for (int i = 1; i < kChains; ++i) total = _mm256_add_epi32(total, sums[i]);
  *sink += static_cast<float>(_mm256_extract_epi32(total, 0) & 1);
  return rounds * kChains * 16 * 2;
}

}  // namespace tersor::kernels::peak
