// A vector of floats at the width of the including file's instruction set: 16 with AVX-512, else 8
// (AVX2 and FMA). Only for files that are compiled for one of the two; everything is local to the
// including file, so that no linker can hand its code to a lesser CPU.
#pragma once

#include <cstdint>

#include "tersor/kernels/simd/intrinsics.h"

#define TERSOR_INLINE inline __attribute__((always_inline))
#define TERSOR_LAMBDA __attribute__((always_inline))

namespace tersor::kernels {
namespace {

#if defined(TERSOR_AVX512)

using Vec = __m512;
constexpr int kWidth = 16;

TERSOR_INLINE Vec Zero() { return _mm512_setzero_ps(); }
TERSOR_INLINE Vec Broadcast(float x) { return _mm512_set1_ps(x); }
TERSOR_INLINE Vec Load(const float* p) { return _mm512_loadu_ps(p); }
TERSOR_INLINE void Store(float* p, Vec x) { _mm512_storeu_ps(p, x); }
TERSOR_INLINE Vec Add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
TERSOR_INLINE Vec Sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
TERSOR_INLINE Vec Mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
TERSOR_INLINE Vec Max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
TERSOR_INLINE Vec Min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
/// a * b + c and c - a * b, rounded once.
TERSOR_INLINE Vec MulAdd(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
TERSOR_INLINE Vec NegMulAdd(Vec a, Vec b, Vec c) { return _mm512_fnmadd_ps(a, b, c); }
/// The first `count` < kWidth elements; the rest is 0, or stays as it was in memory.
TERSOR_INLINE Vec LoadPartial(const float* p, int64_t count) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
}
TERSOR_INLINE void StorePartial(float* p, int64_t count, Vec x) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), x);
}

#else

using Vec = __m256;
constexpr int kWidth = 8;

TERSOR_INLINE Vec Zero() { return _mm256_setzero_ps(); }
TERSOR_INLINE Vec Broadcast(float x) { return _mm256_set1_ps(x); }
TERSOR_INLINE Vec Load(const float* p) { return _mm256_loadu_ps(p); }
TERSOR_INLINE void Store(float* p, Vec x) { _mm256_storeu_ps(p, x); }
TERSOR_INLINE Vec Add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
TERSOR_INLINE Vec Sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
TERSOR_INLINE Vec Mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
TERSOR_INLINE Vec Max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
TERSOR_INLINE Vec Min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
/// a * b + c and c - a * b, rounded once.
TERSOR_INLINE Vec MulAdd(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
TERSOR_INLINE Vec NegMulAdd(Vec a, Vec b, Vec c) { return _mm256_fnmadd_ps(a, b, c); }
/// The first `count` < kWidth elements; the rest is 0, or stays as it was in memory.
TERSOR_INLINE Vec LoadPartial(const float* p, int64_t count) {
  alignas(32) static constexpr int32_t kMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_maskload_ps(
      p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMasks + 8 - count)));
}
TERSOR_INLINE void StorePartial(float* p, int64_t count, Vec x) {
  __m128 part = _mm256_castps256_ps128(x);
  if (count & 4) {
    _mm_storeu_ps(p, part);
    part = _mm256_extractf128_ps(x, 1);
    p += 4;
  }
  if (count & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), part);
    part = _mm_movehl_ps(part, part);
    p += 2;
  }
  if (count & 1) _mm_store_ss(p, part);
}

#endif

TERSOR_INLINE Vec LoadUpTo(const float* p, int64_t count) {
  return count >= kWidth ? Load(p) : LoadPartial(p, count);
}
TERSOR_INLINE void StoreUpTo(float* p, int64_t count, Vec x) {
  count >= kWidth ? Store(p, x) : StorePartial(p, count, x);
}

}  // namespace
}  // namespace tersor::kernels
