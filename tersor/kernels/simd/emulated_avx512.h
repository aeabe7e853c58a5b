// AVX-512 names on AVX2, for testing only: SIMDe's, and here what SIMDe 0.7 lacks or does not round
// as the instruction does. Included by intrinsics.h alone.
#pragma once

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <immintrin.h>
#include <simde/x86/avx512.h>

#include <cmath>
#include <cstdint>
#include <cstring>

namespace tersor::kernels::emulated {
namespace {

/// A vector cut into elements of one type.
template <typename T, typename Vector>
struct Elements {
  static constexpr int kCount = sizeof(Vector) / sizeof(T);
  T at[kCount];

  Elements() = default;
  explicit Elements(const Vector& vector) { std::memcpy(at, &vector, sizeof(vector)); }
  Vector vector() const {
    Vector result;
    std::memcpy(&result, at, sizeof(result));
    return result;
  }
};

/// result[i] = function(a[i]), from elements of one type and count to those of another type.
template <typename From, typename To, typename Result, typename Vector, typename Function>
Result Map(const Vector& a, Function function) {
  const Elements<From, Vector> from(a);
  Elements<To, Result> to;
  for (int i = 0; i < Elements<To, Result>::kCount; ++i) to.at[i] = function(from.at[i]);
  return to.vector();
}

template <typename T, typename Vector, typename Function>
T Reduce(const Vector& a, Function function) {
  Elements<T, Vector> e(a);
  // In halves, as the compiler's sequence for the native reductions does.
  for (int half = Elements<T, Vector>::kCount / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) e.at[i] = function(e.at[i], e.at[i + half]);
  }
  return e.at[0];
}

inline __m512i SravEpi32(__m512i a, __m512i counts) {
  const Elements<int32_t, __m512i> x(a), n(counts);
  Elements<int32_t, __m512i> to;
  for (int i = 0; i < 16; ++i) to.at[i] = n.at[i] > 31 ? x.at[i] >> 31 : x.at[i] >> n.at[i];
  return to.vector();
}
inline __m512i CvtEpi8Epi32(__m128i a) {
  return Map<int8_t, int32_t, __m512i>(a, [](int8_t x) { return int32_t{x}; });
}
inline __m512i CvtEpu8Epi32(__m128i a) {
  return Map<uint8_t, int32_t, __m512i>(a, [](uint8_t x) { return int32_t{x}; });
}
inline __m128i CvtEpi32Epi8(__m512i a) {
  return Map<int32_t, int8_t, __m128i>(a, [](int32_t x) { return static_cast<int8_t>(x); });
}
inline __m512 CvtEpi32Ps(__m512i a) {
  return Map<int32_t, float, __m512>(a, [](int32_t x) { return static_cast<float>(x); });
}
inline __m512i CvtPsEpi32(__m512 a) {
  return Map<float, int32_t, __m512i>(a, [](float x) { return _mm_cvtss_si32(_mm_set_ss(x)); });
}
inline __m512i CvttPsEpi32(__m512 a) {
  return Map<float, int32_t, __m512i>(a, [](float x) { return _mm_cvttss_si32(_mm_set_ss(x)); });
}
inline __m512i CvtEpi16Epi32(__m256i a) {
  return Map<int16_t, int32_t, __m512i>(a, [](int16_t x) { return int32_t{x}; });
}
inline __m512d CvtPsPd(__m256 a) {
  return Map<float, double, __m512d>(a, [](float x) { return double{x}; });
}
inline __m512i SraiEpi32(__m512i a, unsigned bits) {
  return Map<int32_t, int32_t, __m512i>(a,
                                        [bits](int32_t x) { return x >> (bits < 31 ? bits : 31); });
}
inline __m512 FmaddPs(__m512 a, __m512 b, __m512 c) {
  const Elements<__m256, __m512> x(a), y(b), z(c);
  Elements<__m256, __m512> result;
  for (int i = 0; i < 2; ++i) result.at[i] = _mm256_fmadd_ps(x.at[i], y.at[i], z.at[i]);
  return result.vector();
}
inline __m512 FnmaddPs(__m512 a, __m512 b, __m512 c) {
  const Elements<__m256, __m512> x(a), y(b), z(c);
  Elements<__m256, __m512> result;
  for (int i = 0; i < 2; ++i) result.at[i] = _mm256_fnmadd_ps(x.at[i], y.at[i], z.at[i]);
  return result.vector();
}
inline __m512 RoundscalePs(__m512 a) {
  const Elements<__m256, __m512> x(a);
  Elements<__m256, __m512> result;
  for (int i = 0; i < 2; ++i) {
    result.at[i] = _mm256_round_ps(x.at[i], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  return result.vector();
}
inline __m512i MaddEpi16(__m512i a, __m512i b) {
  Elements<int32_t, __m512i> result;
  const Elements<int16_t, __m512i> x(a), y(b);
  for (int i = 0; i < 16; ++i) {
    result.at[i] = static_cast<int32_t>(static_cast<uint32_t>(x.at[2 * i] * y.at[2 * i]) +
                                        static_cast<uint32_t>(x.at[2 * i + 1] * y.at[2 * i + 1]));
  }
  return result.vector();
}
inline __m512i DpbusdEpi32(__m512i sum, __m512i a, __m512i b) {
  Elements<int32_t, __m512i> result(sum);
  const Elements<uint8_t, __m512i> x(a);
  const Elements<int8_t, __m512i> y(b);
  for (int i = 0; i < 64; ++i) {
    result.at[i / 4] = static_cast<int32_t>(static_cast<uint32_t>(result.at[i / 4]) +
                                            static_cast<uint32_t>(x.at[i] * y.at[i]));
  }
  return result.vector();
}
inline __m512i DpwssdEpi32(__m512i sum, __m512i a, __m512i b) {
  Elements<int32_t, __m512i> result(sum);
  const Elements<int16_t, __m512i> x(a), y(b);
  for (int i = 0; i < 32; ++i) {
    result.at[i / 2] = static_cast<int32_t>(static_cast<uint32_t>(result.at[i / 2]) +
                                            static_cast<uint32_t>(x.at[i] * y.at[i]));
  }
  return result.vector();
}
inline __m256 Extractf32x8Ps(__m512 a, int half) { return Elements<__m256, __m512>(a).at[half]; }
inline __m512 MaskzLoaduPs(__mmask16 mask, const float* p) {
  Elements<float, __m512> result;
  for (int i = 0; i < 16; ++i) result.at[i] = (mask >> i) & 1 ? p[i] : 0.0f;
  return result.vector();
}
inline void MaskStoreuPs(float* p, __mmask16 mask, __m512 a) {
  const Elements<float, __m512> from(a);
  for (int i = 0; i < 16; ++i) {
    if ((mask >> i) & 1) p[i] = from.at[i];
  }
}
inline float FirstPs(__m512 a) { return Elements<float, __m512>(a).at[0]; }
inline float ReduceAddPs(__m512 a) {
  return Reduce<float>(a, [](float x, float y) { return x + y; });
}
inline float ReduceMaxPs(__m512 a) {
  return Reduce<float>(a, [](float x, float y) { return x > y ? x : y; });
}
}  // namespace
}  // namespace tersor::kernels::emulated

#undef _mm512_cvtss_f32
#undef _mm512_cvtepi8_epi32
#undef _mm512_cvtepu8_epi32
#undef _mm512_cvtepi32_epi8
#undef _mm512_cvtepi32_ps
#undef _mm512_cvtps_epi32
#undef _mm512_cvttps_epi32
#undef _mm512_cvtepi16_epi32
#undef _mm512_cvtps_pd
#undef _mm512_srai_epi32
#undef _mm512_fmadd_ps
#undef _mm512_fnmadd_ps
#undef _mm512_roundscale_ps
#undef _mm512_madd_epi16
#undef _mm512_dpbusd_epi32
#undef _mm512_dpwssd_epi32
#undef _mm512_extractf32x8_ps
#undef _mm512_maskz_loadu_ps
#undef _mm512_mask_storeu_ps
#undef _mm512_reduce_add_ps
#undef _mm512_reduce_max_ps
#undef _mm512_srav_epi32
#define _mm512_srav_epi32 tersor::kernels::emulated::SravEpi32
#define _mm512_cvtepi8_epi32 ::tersor::kernels::emulated::CvtEpi8Epi32
#define _mm512_cvtepu8_epi32 ::tersor::kernels::emulated::CvtEpu8Epi32
#define _mm512_cvtepi32_epi8 ::tersor::kernels::emulated::CvtEpi32Epi8
#define _mm512_cvtepi32_ps ::tersor::kernels::emulated::CvtEpi32Ps
#define _mm512_cvtps_epi32 ::tersor::kernels::emulated::CvtPsEpi32
#define _mm512_cvttps_epi32 ::tersor::kernels::emulated::CvttPsEpi32
#define _mm512_cvtepi16_epi32 ::tersor::kernels::emulated::CvtEpi16Epi32
#define _mm512_cvtps_pd ::tersor::kernels::emulated::CvtPsPd
#define _mm512_srai_epi32 ::tersor::kernels::emulated::SraiEpi32
#define _mm512_fmadd_ps ::tersor::kernels::emulated::FmaddPs
#define _mm512_fnmadd_ps ::tersor::kernels::emulated::FnmaddPs
// Only ever asked to round half to even.
#define _mm512_roundscale_ps(a, mode) ::tersor::kernels::emulated::RoundscalePs(a)
#define _mm512_madd_epi16 ::tersor::kernels::emulated::MaddEpi16
#define _mm512_dpbusd_epi32 ::tersor::kernels::emulated::DpbusdEpi32
#define _mm512_dpwssd_epi32 ::tersor::kernels::emulated::DpwssdEpi32
#define _mm512_extractf32x8_ps ::tersor::kernels::emulated::Extractf32x8Ps
#define _mm512_maskz_loadu_ps ::tersor::kernels::emulated::MaskzLoaduPs
#define _mm512_mask_storeu_ps ::tersor::kernels::emulated::MaskStoreuPs
#define _mm512_cvtss_f32 ::tersor::kernels::emulated::FirstPs
#define _mm512_reduce_add_ps ::tersor::kernels::emulated::ReduceAddPs
#define _mm512_reduce_max_ps ::tersor::kernels::emulated::ReduceMaxPs
