// The vectors of vector.h with AVX2 and FMA: 8 lanes. Included by vector.h alone.
#pragma once

#include "tersor/kernels/simd/vector_x86.h"

namespace tersor::kernels {
namespace {

constexpr int kLanes = 8;

struct Mask {
  __m256 v;
  TERSOR_INLINE friend Mask operator&(Mask a, Mask b) { return {_mm256_and_ps(a.v, b.v)}; }
  TERSOR_INLINE friend Mask operator|(Mask a, Mask b) { return {_mm256_or_ps(a.v, b.v)}; }
};
TERSOR_INLINE Mask AndNot(Mask a, Mask b) { return {_mm256_andnot_ps(b.v, a.v)}; }

struct F32 {
  __m256 v;
  TERSOR_INLINE static F32 Zero() { return {_mm256_setzero_ps()}; }
  TERSOR_INLINE static F32 Fill(float x) { return {_mm256_set1_ps(x)}; }
  TERSOR_INLINE static F32 Load(const float* p) { return {_mm256_loadu_ps(p)}; }
  TERSOR_INLINE static F32 LoadPart(const float* p, int64_t count) {
    alignas(32) static constexpr int32_t kMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return {_mm256_maskload_ps(p, Load256(kMasks + 8 - count))};
  }
  TERSOR_INLINE void Store(float* p) const { _mm256_storeu_ps(p, v); }
  TERSOR_INLINE void StorePart(float* p, int64_t count) const {
    __m128 part = _mm256_castps256_ps128(v);
    if (count & 4) {
      _mm_storeu_ps(p, part);
      part = _mm256_extractf128_ps(v, 1);
      p += 4;
    }
    if (count & 2) {
      _mm_storel_pi(reinterpret_cast<__m64*>(p), part);
      part = _mm_movehl_ps(part, part);
      p += 2;
    }
    if (count & 1) _mm_store_ss(p, part);
  }
  TERSOR_INLINE friend F32 operator+(F32 a, F32 b) { return {_mm256_add_ps(a.v, b.v)}; }
  TERSOR_INLINE friend F32 operator-(F32 a, F32 b) { return {_mm256_sub_ps(a.v, b.v)}; }
  TERSOR_INLINE friend F32 operator*(F32 a, F32 b) { return {_mm256_mul_ps(a.v, b.v)}; }
  TERSOR_INLINE friend F32 operator/(F32 a, F32 b) { return {_mm256_div_ps(a.v, b.v)}; }
};
TERSOR_INLINE F32 MultiplyAdd(F32 a, F32 b, F32 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
TERSOR_INLINE F32 NegMultiplyAdd(F32 a, F32 b, F32 c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
TERSOR_INLINE F32 Max(F32 a, F32 b) { return {_mm256_max_ps(a.v, b.v)}; }
TERSOR_INLINE F32 Min(F32 a, F32 b) { return {_mm256_min_ps(a.v, b.v)}; }
TERSOR_INLINE F32 Sqrt(F32 a) { return {_mm256_sqrt_ps(a.v)}; }
TERSOR_INLINE F32 RoundEven(F32 a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
TERSOR_INLINE Mask Greater(F32 a, F32 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)}; }
TERSOR_INLINE Mask Equal(F32 a, F32 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
TERSOR_INLINE F32 Keep(Mask mask, F32 a) { return {_mm256_and_ps(mask.v, a.v)}; }
TERSOR_INLINE float Sum(F32 a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
TERSOR_INLINE float Largest(F32 a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
TERSOR_INLINE void AddToDoubles(F32 a, double* sums) {
  const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(a.v));
  const __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(a.v, 1));
  _mm256_storeu_pd(sums, _mm256_add_pd(_mm256_loadu_pd(sums), low));
  _mm256_storeu_pd(sums + 4, _mm256_add_pd(_mm256_loadu_pd(sums + 4), high));
}

struct I32 {
  __m256i v;
  TERSOR_INLINE static I32 Fill(int32_t x) { return {_mm256_set1_epi32(x)}; }
  TERSOR_INLINE static I32 Load(const void* p) { return {Load256(p)}; }
  TERSOR_INLINE void Store(void* p) const { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
  TERSOR_INLINE friend I32 operator+(I32 a, I32 b) { return {_mm256_add_epi32(a.v, b.v)}; }
  TERSOR_INLINE friend I32 operator-(I32 a, I32 b) { return {_mm256_sub_epi32(a.v, b.v)}; }
  TERSOR_INLINE friend I32 operator*(I32 a, I32 b) { return {_mm256_mullo_epi32(a.v, b.v)}; }
  TERSOR_INLINE friend I32 operator^(I32 a, I32 b) { return {_mm256_xor_si256(a.v, b.v)}; }
};
TERSOR_INLINE I32 Max(I32 a, I32 b) { return {_mm256_max_epi32(a.v, b.v)}; }
TERSOR_INLINE I32 Min(I32 a, I32 b) { return {_mm256_min_epi32(a.v, b.v)}; }
template <int kBits>
TERSOR_INLINE I32 ShiftLeft(I32 a) {
  return {_mm256_slli_epi32(a.v, kBits)};
}
template <int kBits>
TERSOR_INLINE I32 ShiftRight(I32 a) {
  return {_mm256_srai_epi32(a.v, kBits)};
}
TERSOR_INLINE I32 ShiftRightBy(I32 a, I32 counts) { return {_mm256_srav_epi32(a.v, counts.v)}; }
TERSOR_INLINE int32_t Sum(I32 a) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(a.v), _mm256_extracti128_si256(a.v, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}
TERSOR_INLINE F32 ToFloat(I32 a) { return {_mm256_cvtepi32_ps(a.v)}; }
TERSOR_INLINE I32 ToInt(F32 a) { return {_mm256_cvtps_epi32(a.v)}; }
TERSOR_INLINE I32 Truncate(F32 a) { return {_mm256_cvttps_epi32(a.v)}; }
TERSOR_INLINE I32 BitsOf(F32 a) { return {_mm256_castps_si256(a.v)}; }
TERSOR_INLINE F32 FloatOf(I32 bits) { return {_mm256_castsi256_ps(bits.v)}; }

TERSOR_INLINE __m128i LoadEight(const void* p) {
  return _mm_loadl_epi64(static_cast<const __m128i*>(p));
}
TERSOR_INLINE I32 Widen(const int8_t* p) { return {_mm256_cvtepi8_epi32(LoadEight(p))}; }
TERSOR_INLINE I32 Widen(const uint8_t* p) { return {_mm256_cvtepu8_epi32(LoadEight(p))}; }
TERSOR_INLINE I32 WidenPart(const int8_t* p, int count) {
  int64_t bytes = 0;
  CopyBytes(&bytes, p, count);
  return {_mm256_cvtepi8_epi32(_mm_cvtsi64_si128(bytes))};
}
TERSOR_INLINE I32 WidenPairs(const char* p) { return {_mm256_cvtepi8_epi16(Load128(p))}; }
TERSOR_INLINE I32 PairBytes(const int8_t* a, const int8_t* b) {
  return {_mm256_blend_epi16(Widen(a).v, ShiftLeft<16>(Widen(b)).v, 0xaa)};
}
TERSOR_INLINE I32 DotPairs(I32 sum, I32 a, I32 b) {
  return {_mm256_add_epi32(sum.v, _mm256_madd_epi16(a.v, b.v))};
}

TERSOR_INLINE void StoreFour(int8_t* const (&p)[4], const I32 (&q)[4], int count) {
  const __m256i words01 = _mm256_packs_epi32(q[0].v, q[1].v);
  const __m256i words23 = _mm256_packs_epi32(q[2].v, q[3].v);
  const __m256i halves = _mm256_packs_epi16(words01, words23);
  const __m128i low = _mm256_castsi256_si128(halves), high = _mm256_extracti128_si256(halves, 1);
  const __m128i bytes01 = _mm_unpacklo_epi32(low, high), bytes23 = _mm_unpackhi_epi32(low, high);
  const __m128i bytes[4] = {bytes01, _mm_unpackhi_epi64(bytes01, bytes01), bytes23,
                            _mm_unpackhi_epi64(bytes23, bytes23)};
  TERSOR_UNROLL
  for (int i = 0; i < 4; ++i) {
    if (p[i] == nullptr) continue;
    if (count == kLanes) {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(p[i]), bytes[i]);
    } else {
      const int64_t all = _mm_cvtsi128_si64(bytes[i]);
      CopyBytes(p[i], &all, count);
    }
  }
}

template <typename T>
class Narrow {
 public:
  TERSOR_INLINE Narrow(int32_t zero, int32_t lo, int32_t hi)
      : zero_(_mm256_set1_epi16(static_cast<int16_t>(zero))),
        lo_(_mm256_set1_epi8(static_cast<char>(lo))),
        hi_(_mm256_set1_epi8(static_cast<char>(hi))) {}

  TERSOR_INLINE void Store(T* p, const I32 (&q)[4]) const {
    const __m256i ab = _mm256_adds_epi16(_mm256_packs_epi32(q[0].v, q[1].v), zero_);
    const __m256i cd = _mm256_adds_epi16(_mm256_packs_epi32(q[2].v, q[3].v), zero_);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i bytes;
    if constexpr (kIsSigned<T>) {
      bytes = _mm256_packs_epi16(ab, cd);
      bytes = _mm256_min_epi8(_mm256_max_epi8(bytes, lo_), hi_);
    } else {
      bytes = _mm256_packus_epi16(ab, cd);
      bytes = _mm256_min_epu8(_mm256_max_epu8(bytes, lo_), hi_);
    }
    I32{_mm256_permutevar8x32_epi32(bytes, order)}.Store(p);
  }

 private:
  __m256i zero_, lo_, hi_;
};

TERSOR_INLINE void AddSixteen(I16x16 a, I32 (&sums)[2]) {
  sums[0] = sums[0] + I32{_mm256_cvtepi16_epi32(_mm256_castsi256_si128(a.v))};
  sums[1] = sums[1] + I32{_mm256_cvtepi16_epi32(_mm256_extracti128_si256(a.v, 1))};
}
template <typename T>
TERSOR_INLINE void StoreSixteen(T* p, const I32 (&q)[2]) {
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(q[0].v, q[1].v), 0xD8);
  const __m128i low = _mm256_castsi256_si128(words), high = _mm256_extracti128_si256(words, 1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   kIsSigned<T> ? _mm_packs_epi16(low, high) : _mm_packus_epi16(low, high));
}

}  // namespace
}  // namespace tersor::kernels
