// What the vectors of all x86 levels share: the types of a fixed number of lanes. Included by
// vector_x86_avx2.h and vector_x86_avx512.h alone.
#pragma once

#include "tersor/kernels/simd/intrinsics.h"

namespace tersor::kernels {
namespace {

TERSOR_INLINE __m128i Load128(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}
TERSOR_INLINE __m256i Load256(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}

struct Bytes16 {
  static constexpr int kCount = 16;
  __m128i v;
  TERSOR_INLINE static Bytes16 Fill(int x) { return {_mm_set1_epi8(static_cast<char>(x))}; }
  TERSOR_INLINE static Bytes16 Load(const void* p) { return {Load128(p)}; }
  TERSOR_INLINE void Store(void* p) const { _mm_storeu_si128(static_cast<__m128i*>(p), v); }
  TERSOR_INLINE friend Bytes16 operator^(Bytes16 a, Bytes16 b) { return {_mm_xor_si128(a.v, b.v)}; }
};
template <bool kSigned>
TERSOR_INLINE Bytes16 Max(Bytes16 a, Bytes16 b) {
  return {kSigned ? _mm_max_epi8(a.v, b.v) : _mm_max_epu8(a.v, b.v)};
}
template <bool kSigned>
TERSOR_INLINE Bytes16 Min(Bytes16 a, Bytes16 b) {
  return {kSigned ? _mm_min_epi8(a.v, b.v) : _mm_min_epu8(a.v, b.v)};
}

struct Bytes32 {
  static constexpr int kCount = 32;
  __m256i v;
  TERSOR_INLINE static Bytes32 Fill(int x) { return {_mm256_set1_epi8(static_cast<char>(x))}; }
  TERSOR_INLINE static Bytes32 Load(const void* p) { return {Load256(p)}; }
  TERSOR_INLINE void Store(void* p) const { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
};
template <bool kSigned>
TERSOR_INLINE Bytes32 Max(Bytes32 a, Bytes32 b) {
  return {kSigned ? _mm256_max_epi8(a.v, b.v) : _mm256_max_epu8(a.v, b.v)};
}
template <bool kSigned>
TERSOR_INLINE Bytes32 Min(Bytes32 a, Bytes32 b) {
  return {kSigned ? _mm256_min_epi8(a.v, b.v) : _mm256_min_epu8(a.v, b.v)};
}

struct I16x16 {
  __m256i v;
  TERSOR_INLINE static I16x16 Fill(int x) { return {_mm256_set1_epi16(static_cast<int16_t>(x))}; }
  TERSOR_INLINE static I16x16 Load(const int16_t* p) { return {Load256(p)}; }
  TERSOR_INLINE static I16x16 Widen(const int8_t* p) { return {_mm256_cvtepi8_epi16(Load128(p))}; }
  TERSOR_INLINE static I16x16 Widen(const uint8_t* p) { return {_mm256_cvtepu8_epi16(Load128(p))}; }
  TERSOR_INLINE void Store(int16_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
  }
  TERSOR_INLINE friend I16x16 operator+(I16x16 a, I16x16 b) { return {_mm256_add_epi16(a.v, b.v)}; }
  TERSOR_INLINE friend I16x16 operator-(I16x16 a, I16x16 b) { return {_mm256_sub_epi16(a.v, b.v)}; }
};
template <int kBits>
TERSOR_INLINE I16x16 ShiftLeft(I16x16 a) {
  return {_mm256_slli_epi16(a.v, kBits)};
}

constexpr int kTransposeSide = 8;
TERSOR_INLINE void TransposeSquare(const float* from, int64_t from_stride, float* to,
                                   int64_t to_stride) {
  __m256 r[8], t[8];
  TERSOR_UNROLL
  for (int i = 0; i < 8; ++i) r[i] = _mm256_loadu_ps(from + i * from_stride);
  TERSOR_UNROLL
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  TERSOR_UNROLL
  for (int half = 0; half < 2; ++half) {
    const int b = 4 * half;
    r[b] = _mm256_shuffle_ps(t[b], t[b + 2], 0x44);
    r[b + 1] = _mm256_shuffle_ps(t[b], t[b + 2], 0xEE);
    r[b + 2] = _mm256_shuffle_ps(t[b + 1], t[b + 3], 0x44);
    r[b + 3] = _mm256_shuffle_ps(t[b + 1], t[b + 3], 0xEE);
  }
  TERSOR_UNROLL
  for (int i = 0; i < 4; ++i) {
    _mm256_storeu_ps(to + i * to_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    _mm256_storeu_ps(to + (i + 4) * to_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
}

}  // namespace
}  // namespace tersor::kernels
