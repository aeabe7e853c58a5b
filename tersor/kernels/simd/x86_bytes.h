// 8-bit integers in and out of x86_vector.h, and what needs integer lanes: rounding, e^x, sums over
// lanes. The same rules: only for files named x86_*.cc and the headers that hold their shared
// bodies.
#pragma once

#include <cstdint>
#include <cstring>

#include "tersor/kernels/simd/x86_vector.h"

namespace tersor::kernels {
namespace {

#if defined(TERSOR_AVX512)

/// As many i32 as Vector has lanes.
struct VectorI {
  __m512i v;
};

inline Vector RoundEven(Vector a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
inline float Sum(Vector a) { return _mm512_reduce_add_ps(a.v); }
inline float Largest(Vector a) { return _mm512_reduce_max_ps(a.v); }
inline VectorI ToInt(Vector a) { return {_mm512_cvtps_epi32(a.v)}; }
inline Vector ToFloat(VectorI a) { return {_mm512_cvtepi32_ps(a.v)}; }
inline VectorI SetI(int32_t a) { return {_mm512_set1_epi32(a)}; }
inline VectorI LoadI(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
inline void StoreI(int32_t* p, VectorI a) { _mm512_storeu_si512(p, a.v); }
inline VectorI operator+(VectorI a, VectorI b) { return {_mm512_add_epi32(a.v, b.v)}; }
inline VectorI operator-(VectorI a, VectorI b) { return {_mm512_sub_epi32(a.v, b.v)}; }
template <int kBits>
inline VectorI ShiftLeft(VectorI a) {
  return {_mm512_slli_epi32(a.v, kBits)};
}
template <int kBits>
inline VectorI ShiftRight(VectorI a) {
  return {_mm512_srai_epi32(a.v, kBits)};
}
inline Vector BitsAsFloat(VectorI a) { return {_mm512_castsi512_ps(a.v)}; }
/// Low 32 bits of the products.
inline VectorI operator*(VectorI a, VectorI b) { return {_mm512_mullo_epi32(a.v, b.v)}; }
/// Arithmetic shift by a count that is known at run time alone.
struct ShiftCount {
  explicit ShiftCount(int bits) : v(_mm512_set1_epi32(bits)) {}
  __m512i v;
};
inline VectorI ShiftRightBy(VectorI a, const ShiftCount& count) {
  return {_mm512_srav_epi32(a.v, count.v)};
}

inline VectorI Widen(const int8_t* p) {
  return {_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
inline VectorI Widen(const uint8_t* p) {
  return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}

/// clamp(saturate16(x) + zero, lo, hi) of four vectors, stored as 4 * kLanes bytes.
template <typename T>
class Narrow {
 public:
  Narrow(int32_t zero, int32_t lo, int32_t hi)
      : zero_(_mm512_set1_epi16(static_cast<int16_t>(zero))),
        lo_(_mm512_set1_epi8(static_cast<char>(lo))),
        hi_(_mm512_set1_epi8(static_cast<char>(hi))) {}

  void Store(T* p, VectorI a, VectorI b, VectorI c, VectorI d) const {
    const __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a.v, b.v), zero_);
    const __m512i cd = _mm512_adds_epi16(_mm512_packs_epi32(c.v, d.v), zero_);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i bytes;
    if constexpr (static_cast<T>(-1) < 0) {
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

#else

/// As many i32 as Vector has lanes.
struct VectorI {
  __m256i v;
};

inline Vector RoundEven(Vector a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
inline float Sum(Vector a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
inline float Largest(Vector a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
inline VectorI ToInt(Vector a) { return {_mm256_cvtps_epi32(a.v)}; }
inline Vector ToFloat(VectorI a) { return {_mm256_cvtepi32_ps(a.v)}; }
inline VectorI SetI(int32_t a) { return {_mm256_set1_epi32(a)}; }
inline VectorI LoadI(const int32_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
}
inline void StoreI(int32_t* p, VectorI a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v);
}
inline VectorI operator+(VectorI a, VectorI b) { return {_mm256_add_epi32(a.v, b.v)}; }
inline VectorI operator-(VectorI a, VectorI b) { return {_mm256_sub_epi32(a.v, b.v)}; }
template <int kBits>
inline VectorI ShiftLeft(VectorI a) {
  return {_mm256_slli_epi32(a.v, kBits)};
}
template <int kBits>
inline VectorI ShiftRight(VectorI a) {
  return {_mm256_srai_epi32(a.v, kBits)};
}
inline Vector BitsAsFloat(VectorI a) { return {_mm256_castsi256_ps(a.v)}; }
/// Low 32 bits of the products.
inline VectorI operator*(VectorI a, VectorI b) { return {_mm256_mullo_epi32(a.v, b.v)}; }
/// Arithmetic shift by a count that is known at run time alone.
struct ShiftCount {
  explicit ShiftCount(int bits) : v(_mm_cvtsi32_si128(bits)) {}
  __m128i v;
};
inline VectorI ShiftRightBy(VectorI a, const ShiftCount& count) {
  return {_mm256_sra_epi32(a.v, count.v)};
}

inline VectorI Widen(const int8_t* p) {
  return {_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))};
}
inline VectorI Widen(const uint8_t* p) {
  return {_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))};
}

/// clamp(saturate16(x) + zero, lo, hi) of four vectors, stored as 4 * kLanes bytes.
template <typename T>
class Narrow {
 public:
  Narrow(int32_t zero, int32_t lo, int32_t hi)
      : zero_(_mm256_set1_epi16(static_cast<int16_t>(zero))),
        lo_(_mm256_set1_epi8(static_cast<char>(lo))),
        hi_(_mm256_set1_epi8(static_cast<char>(hi))) {}

  void Store(T* p, VectorI a, VectorI b, VectorI c, VectorI d) const {
    const __m256i ab = _mm256_adds_epi16(_mm256_packs_epi32(a.v, b.v), zero_);
    const __m256i cd = _mm256_adds_epi16(_mm256_packs_epi32(c.v, d.v), zero_);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i bytes;
    if constexpr (static_cast<T>(-1) < 0) {
      bytes = _mm256_packs_epi16(ab, cd);
      bytes = _mm256_min_epi8(_mm256_max_epi8(bytes, lo_), hi_);
    } else {
      bytes = _mm256_packus_epi16(ab, cd);
      bytes = _mm256_min_epu8(_mm256_max_epu8(bytes, lo_), hi_);
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permutevar8x32_epi32(bytes, order));
  }

 private:
  __m256i zero_, lo_, hi_;
};

#endif

/// Bytes that Narrow::Store writes, and the elements of one block of an 8-bit loop.
inline constexpr int kBlock = 4 * Vector::kLanes;

/// e^x: x = n ln 2 + r, e^r by its series up to r^7, then times 2^n in two steps so that subnormal
/// results come out right. Relative error below 2e-7. NaN stays NaN.
inline Vector Exp(Vector x) {
  x = Vector::Min(Vector::Fill(89.0f), Vector::Max(Vector::Fill(-104.0f), x));
  const Vector n = RoundEven(x * Vector::Fill(1.44269504088896341f));
  Vector r = Vector::MultiplyAdd(n, Vector::Fill(-0.693145751953125f), x);
  r = Vector::MultiplyAdd(n, Vector::Fill(-1.42860682030941723212e-6f), r);
  Vector p = Vector::Fill(1.0f / 5040);
  p = Vector::MultiplyAdd(p, r, Vector::Fill(1.0f / 720));
  p = Vector::MultiplyAdd(p, r, Vector::Fill(1.0f / 120));
  p = Vector::MultiplyAdd(p, r, Vector::Fill(1.0f / 24));
  p = Vector::MultiplyAdd(p, r, Vector::Fill(1.0f / 6));
  p = Vector::MultiplyAdd(p, r, Vector::Fill(0.5f));
  p = Vector::MultiplyAdd(p, r, Vector::Fill(1.0f));
  p = Vector::MultiplyAdd(p, r, Vector::Fill(1.0f));
  const VectorI whole = ToInt(n);
  const VectorI half = ShiftRight<1>(whole);
  const Vector scale1 = BitsAsFloat(ShiftLeft<23>(half + SetI(127)));
  const Vector scale2 = BitsAsFloat(ShiftLeft<23>(whole - half + SetI(127)));
  return p * scale1 * scale2;
}

}  // namespace
}  // namespace tersor::kernels
