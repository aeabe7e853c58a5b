// The vectors of vector.h with AVX-512 F, BW, DQ and VL, and with VNNI where the including file may
// use it: 16 lanes. Included by vector.h alone.
#pragma once

#include "tersor/kernels/simd/vector_x86.h"

namespace tersor::kernels {
namespace {

constexpr int kLanes = 16;

struct Mask {
  __mmask16 v;
  TERSOR_INLINE friend Mask operator&(Mask a, Mask b) {
    return {static_cast<__mmask16>(a.v & b.v)};
  }
  TERSOR_INLINE friend Mask operator|(Mask a, Mask b) {
    return {static_cast<__mmask16>(a.v | b.v)};
  }
};
TERSOR_INLINE Mask AndNot(Mask a, Mask b) { return {static_cast<__mmask16>(a.v & ~b.v)}; }
TERSOR_INLINE Mask FirstLanes(int64_t count) { return {static_cast<__mmask16>((1u << count) - 1)}; }

struct F32 {
  __m512 v;
  TERSOR_INLINE static F32 Zero() { return {_mm512_setzero_ps()}; }
  TERSOR_INLINE static F32 Fill(float x) { return {_mm512_set1_ps(x)}; }
  TERSOR_INLINE static F32 Load(const float* p) { return {_mm512_loadu_ps(p)}; }
  TERSOR_INLINE static F32 LoadPart(const float* p, int64_t count) {
    return {_mm512_maskz_loadu_ps(FirstLanes(count).v, p)};
  }
  TERSOR_INLINE void Store(float* p) const { _mm512_storeu_ps(p, v); }
  TERSOR_INLINE void StorePart(float* p, int64_t count) const {
    _mm512_mask_storeu_ps(p, FirstLanes(count).v, v);
  }
  TERSOR_INLINE friend F32 operator+(F32 a, F32 b) { return {_mm512_add_ps(a.v, b.v)}; }
  TERSOR_INLINE friend F32 operator-(F32 a, F32 b) { return {_mm512_sub_ps(a.v, b.v)}; }
  TERSOR_INLINE friend F32 operator*(F32 a, F32 b) { return {_mm512_mul_ps(a.v, b.v)}; }
  TERSOR_INLINE friend F32 operator/(F32 a, F32 b) { return {_mm512_div_ps(a.v, b.v)}; }
};
TERSOR_INLINE F32 MultiplyAdd(F32 a, F32 b, F32 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
TERSOR_INLINE F32 NegMultiplyAdd(F32 a, F32 b, F32 c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
TERSOR_INLINE F32 Max(F32 a, F32 b) { return {_mm512_max_ps(a.v, b.v)}; }
TERSOR_INLINE F32 Min(F32 a, F32 b) { return {_mm512_min_ps(a.v, b.v)}; }
TERSOR_INLINE F32 Sqrt(F32 a) { return {_mm512_sqrt_ps(a.v)}; }
TERSOR_INLINE F32 RoundEven(F32 a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
TERSOR_INLINE Mask Greater(F32 a, F32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
TERSOR_INLINE Mask Equal(F32 a, F32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
TERSOR_INLINE F32 Keep(Mask mask, F32 a) { return {_mm512_maskz_mov_ps(mask.v, a.v)}; }
TERSOR_INLINE float Sum(F32 a) { return _mm512_reduce_add_ps(a.v); }
TERSOR_INLINE float Largest(F32 a) { return _mm512_reduce_max_ps(a.v); }
TERSOR_INLINE void AddToDoubles(F32 a, double* sums) {
  const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(a.v));
  const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(a.v, 1));
  _mm512_storeu_pd(sums, _mm512_add_pd(_mm512_loadu_pd(sums), low));
  _mm512_storeu_pd(sums + 8, _mm512_add_pd(_mm512_loadu_pd(sums + 8), high));
}

struct I32 {
  __m512i v;
  TERSOR_INLINE static I32 Fill(int32_t x) { return {_mm512_set1_epi32(x)}; }
  TERSOR_INLINE static I32 Load(const void* p) { return {_mm512_loadu_si512(p)}; }
  TERSOR_INLINE void Store(void* p) const { _mm512_storeu_si512(p, v); }
  TERSOR_INLINE friend I32 operator+(I32 a, I32 b) { return {_mm512_add_epi32(a.v, b.v)}; }
  TERSOR_INLINE friend I32 operator-(I32 a, I32 b) { return {_mm512_sub_epi32(a.v, b.v)}; }
  TERSOR_INLINE friend I32 operator*(I32 a, I32 b) { return {_mm512_mullo_epi32(a.v, b.v)}; }
  TERSOR_INLINE friend I32 operator^(I32 a, I32 b) { return {_mm512_xor_si512(a.v, b.v)}; }
};
TERSOR_INLINE I32 Max(I32 a, I32 b) { return {_mm512_max_epi32(a.v, b.v)}; }
TERSOR_INLINE I32 Min(I32 a, I32 b) { return {_mm512_min_epi32(a.v, b.v)}; }
template <int kBits>
TERSOR_INLINE I32 ShiftLeft(I32 a) {
  return {_mm512_slli_epi32(a.v, kBits)};
}
template <int kBits>
TERSOR_INLINE I32 ShiftRight(I32 a) {
  return {_mm512_srai_epi32(a.v, kBits)};
}
TERSOR_INLINE I32 ShiftRightBy(I32 a, I32 counts) { return {_mm512_srav_epi32(a.v, counts.v)}; }
// In halves, since GCC 12 writes its own reduction with signed sums, which must not wrap.
TERSOR_INLINE int32_t Sum(I32 a) {
  const __m512 all = _mm512_castsi512_ps(a.v);
  const __m256i half = _mm256_add_epi32(_mm256_castps_si256(_mm512_castps512_ps256(all)),
                                        _mm256_castps_si256(_mm512_extractf32x8_ps(all, 1)));
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}
TERSOR_INLINE F32 ToFloat(I32 a) { return {_mm512_cvtepi32_ps(a.v)}; }
TERSOR_INLINE I32 ToInt(F32 a) { return {_mm512_cvtps_epi32(a.v)}; }
TERSOR_INLINE I32 Truncate(F32 a) { return {_mm512_cvttps_epi32(a.v)}; }
TERSOR_INLINE I32 BitsOf(F32 a) { return {_mm512_castps_si512(a.v)}; }
TERSOR_INLINE F32 FloatOf(I32 bits) { return {_mm512_castsi512_ps(bits.v)}; }

TERSOR_INLINE I32 Widen(const int8_t* p) { return {_mm512_cvtepi8_epi32(Load128(p))}; }
TERSOR_INLINE I32 Widen(const uint8_t* p) { return {_mm512_cvtepu8_epi32(Load128(p))}; }
TERSOR_INLINE I32 WidenPart(const int8_t* p, int count) {
  alignas(16) int8_t bytes[16] = {};
  CopyBytes(bytes, p, count);
  return Widen(bytes);
}
TERSOR_INLINE I32 WidenPairs(const char* p) { return {_mm512_cvtepi8_epi16(Load256(p))}; }
TERSOR_INLINE I32 PairBytes(const int8_t* a, const int8_t* b) {
  const __m512i low = _mm512_and_si512(Widen(a).v, _mm512_set1_epi32(0xffff));
  return {_mm512_or_si512(low, ShiftLeft<16>(Widen(b)).v)};
}
TERSOR_INLINE I32 DotPairs(I32 sum, I32 a, I32 b) {
#if defined(TERSOR_AVX512VNNI)
  return {_mm512_dpwssd_epi32(sum.v, a.v, b.v)};
#else
  return {_mm512_add_epi32(sum.v, _mm512_madd_epi16(a.v, b.v))};
#endif
}
#if defined(TERSOR_AVX512VNNI)
#define TERSOR_DOT_QUADS 1
TERSOR_INLINE I32 DotQuads(I32 sum, I32 a, I32 b) { return {_mm512_dpbusd_epi32(sum.v, a.v, b.v)}; }
#endif

TERSOR_INLINE void StoreFour(int8_t* const (&p)[4], const I32 (&q)[4], int count) {
  TERSOR_UNROLL
  for (int i = 0; i < 4; ++i) {
    if (p[i] == nullptr) continue;
    const __m128i bytes = _mm512_cvtepi32_epi8(q[i].v);
    if (count == kLanes) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p[i]), bytes);
    } else {
      alignas(16) int8_t all[16];
      _mm_store_si128(reinterpret_cast<__m128i*>(all), bytes);
      CopyBytes(p[i], all, count);
    }
  }
}

template <typename T>
class Narrow {
 public:
  TERSOR_INLINE Narrow(int32_t zero, int32_t lo, int32_t hi)
      : zero_(_mm512_set1_epi16(static_cast<int16_t>(zero))),
        lo_(_mm512_set1_epi8(static_cast<char>(lo))),
        hi_(_mm512_set1_epi8(static_cast<char>(hi))) {}

  TERSOR_INLINE void Store(T* p, const I32 (&q)[4]) const {
    const __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(q[0].v, q[1].v), zero_);
    const __m512i cd = _mm512_adds_epi16(_mm512_packs_epi32(q[2].v, q[3].v), zero_);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i bytes;
    if constexpr (kIsSigned<T>) {
      bytes = _mm512_packs_epi16(ab, cd);
      bytes = _mm512_min_epi8(_mm512_max_epi8(bytes, lo_), hi_);
    } else {
      bytes = _mm512_packus_epi16(ab, cd);
      bytes = _mm512_min_epu8(_mm512_max_epu8(bytes, lo_), hi_);
    }
    _mm512_storeu_si512(p, _mm512_permutexvar_epi32(order, bytes));
  }

 private:
  __m512i zero_, lo_, hi_;
};

TERSOR_INLINE void AddSixteen(I16x16 a, I32 (&sums)[1]) {
  sums[0] = sums[0] + I32{_mm512_cvtepi16_epi32(a.v)};
}
template <typename T>
TERSOR_INLINE void StoreSixteen(T* p, const I32 (&q)[1]) {
  const I32 lo = I32::Fill(kIsSigned<T> ? -128 : 0), hi = I32::Fill(kIsSigned<T> ? 127 : 255);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(Min(Max(q[0], lo), hi).v));
}

}  // namespace
}  // namespace tersor::kernels
