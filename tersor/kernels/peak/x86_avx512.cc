#include "tersor/kernels/peak/loops.h"
#include "tersor/kernels/simd/intrinsics.h"

namespace tersor::kernels::peak {

constexpr int kChains = 12;

int64_t F32LoopAvx512(int64_t rounds, float* sink) {
  __m512 sums[kChains];
  const __m512 factor = _mm512_set1_ps(*sink);
  for (auto& sum : sums) sum = factor;
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = _mm512_fmadd_ps(sums[i], factor, factor);
  }
  __m512 total = sums[0];
  for (int i = 1; i < kChains; ++i) total = _mm512_add_ps(total, sums[i]);
  *sink = _mm512_cvtss_f32(total);
  return rounds * kChains * 16 * 2;
}

int64_t Int8LoopAvx512(int64_t rounds, float* sink) {
  __m512i sums[kChains];
  const __m512i factor = _mm512_set1_epi16(static_cast<int16_t>(*sink));
  for (auto& sum : sums) sum = factor;
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) {
      sums[i] = _mm512_add_epi32(sums[i], _mm512_madd_epi16(sums[i], factor));
    }
  }
  __m512i total = sums[0];
  for (int i = 1; i < kChains; ++i) total = _mm512_add_epi32(total, sums[i]);
  *sink += static_cast<float>(_mm_cvtsi128_si32(_mm512_castsi512_si128(total)) & 1);
  return rounds * kChains * 32 * 2;
}

}  // namespace tersor::kernels::peak
