// A vector of f32 for x86 kernels that are written once for several widths: 16 lanes in a file
// compiled for AVX-512, 8 lanes in one compiled for AVX2.
//
// Include it only from x86_avx2*.cc and x86_avx512*.cc and from the headers that hold their shared
// bodies. Everything is in an unnamed namespace, there too: the linker must never merge code that
// was compiled for different CPUs.
#pragma once

#include <cstdint>

#include "tersor/kernels/simd/intrinsics.h"

namespace tersor::kernels {
namespace {

#if defined(TERSOR_AVX512)

struct Vector {
  static constexpr int kLanes = 16;
  using Mask = __mmask16;
  __m512 v;

  static Vector Zero() { return {_mm512_setzero_ps()}; }
  static Vector Fill(float x) { return {_mm512_set1_ps(x)}; }
  static Vector Load(const float* p) { return {_mm512_loadu_ps(p)}; }
  /// The first `count` lanes, 0 <= count <= kLanes; the others are 0 and not touched in memory.
  static Vector LoadPart(const float* p, int count) {
    return {_mm512_maskz_loadu_ps(static_cast<Mask>((1u << count) - 1), p)};
  }
  void Store(float* p) const { _mm512_storeu_ps(p, v); }
  void StorePart(float* p, int count) const {
    _mm512_mask_storeu_ps(p, static_cast<Mask>((1u << count) - 1), v);
  }

  friend Vector operator+(Vector a, Vector b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend Vector operator-(Vector a, Vector b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend Vector operator*(Vector a, Vector b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend Vector operator/(Vector a, Vector b) { return {_mm512_div_ps(a.v, b.v)}; }
  /// a * b + c with one rounding.
  static Vector MultiplyAdd(Vector a, Vector b, Vector c) {
    return {_mm512_fmadd_ps(a.v, b.v, c.v)};
  }
  /// As _mm_max_ps: b where either is NaN.
  static Vector Max(Vector a, Vector b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Vector Min(Vector a, Vector b) { return {_mm512_min_ps(a.v, b.v)}; }
  static Vector Sqrt(Vector a) { return {_mm512_sqrt_ps(a.v)}; }

  static Mask Greater(Vector a, Vector b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ); }
  static Mask Equal(Vector a, Vector b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ); }
  static Mask And(Mask a, Mask b) { return static_cast<Mask>(a & b); }
  static Mask Or(Mask a, Mask b) { return static_cast<Mask>(a | b); }
  static Mask AndNot(Mask a, Mask b) { return static_cast<Mask>(a & ~b); }  ///< a and not b
  /// a where the mask holds, else 0.
  static Vector Keep(Mask mask, Vector a) { return {_mm512_maskz_mov_ps(mask, a.v)}; }

  /// Adds the lanes to `sums` (kLanes doubles).
  void AddTo(double* sums) const {
    const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(v));
    const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
    _mm512_storeu_pd(sums, _mm512_add_pd(_mm512_loadu_pd(sums), low));
    _mm512_storeu_pd(sums + 8, _mm512_add_pd(_mm512_loadu_pd(sums + 8), high));
  }
};

#else

struct Vector {
  static constexpr int kLanes = 8;
  using Mask = __m256;
  __m256 v;

  static Vector Zero() { return {_mm256_setzero_ps()}; }
  static Vector Fill(float x) { return {_mm256_set1_ps(x)}; }
  static Vector Load(const float* p) { return {_mm256_loadu_ps(p)}; }
  /// The first `count` lanes, 0 <= count <= kLanes; the others are 0 and not touched in memory.
  static Vector LoadPart(const float* p, int count) {
    return {_mm256_maskload_ps(p, PartMask(count))};
  }
  void Store(float* p) const { _mm256_storeu_ps(p, v); }
  void StorePart(float* p, int count) const { _mm256_maskstore_ps(p, PartMask(count), v); }

  friend Vector operator+(Vector a, Vector b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend Vector operator-(Vector a, Vector b) { return {_mm256_sub_ps(a.v, b.v)}; }
  friend Vector operator*(Vector a, Vector b) { return {_mm256_mul_ps(a.v, b.v)}; }
  friend Vector operator/(Vector a, Vector b) { return {_mm256_div_ps(a.v, b.v)}; }
  /// a * b + c with one rounding.
  static Vector MultiplyAdd(Vector a, Vector b, Vector c) {
    return {_mm256_fmadd_ps(a.v, b.v, c.v)};
  }
  /// As _mm_max_ps: b where either is NaN.
  static Vector Max(Vector a, Vector b) { return {_mm256_max_ps(a.v, b.v)}; }
  static Vector Min(Vector a, Vector b) { return {_mm256_min_ps(a.v, b.v)}; }
  static Vector Sqrt(Vector a) { return {_mm256_sqrt_ps(a.v)}; }

  static Mask Greater(Vector a, Vector b) { return _mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ); }
  static Mask Equal(Vector a, Vector b) { return _mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ); }
  static Mask And(Mask a, Mask b) { return _mm256_and_ps(a, b); }
  static Mask Or(Mask a, Mask b) { return _mm256_or_ps(a, b); }
  static Mask AndNot(Mask a, Mask b) { return _mm256_andnot_ps(b, a); }  ///< a and not b
  /// a where the mask holds, else 0.
  static Vector Keep(Mask mask, Vector a) { return {_mm256_and_ps(mask, a.v)}; }

  /// Adds the lanes to `sums` (kLanes doubles).
  void AddTo(double* sums) const {
    const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(v));
    const __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1));
    _mm256_storeu_pd(sums, _mm256_add_pd(_mm256_loadu_pd(sums), low));
    _mm256_storeu_pd(sums + 4, _mm256_add_pd(_mm256_loadu_pd(sums + 4), high));
  }

 private:
  static __m256i PartMask(int count) {
    alignas(64) static constexpr int32_t kMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMasks + 8 - count));
  }
};

#endif

}  // namespace
}  // namespace tersor::kernels
