// Integers of an input as the vector code multiplies them, 32 bits at a time: two i16, or with
// AVX-512 VNNI four u8 that stand for q + 128. Only for files named x86_*.
#pragma once

#include "tersor/kernels/simd/integer_vector.h"

namespace tersor::kernels {
namespace {

#if defined(TERSOR_AVX512VNNI)
using Element = uint8_t;
constexpr auto kGroupDot = DotQuads;
inline Element WidenOne(int8_t q) { return static_cast<Element>(q ^ 0x80); }
inline void WidenSixteen(Element* to, const int8_t* from) {
  const __m128i q = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_xor_si128(q, _mm_set1_epi8(-128)));
}
#else
using Element = int16_t;
constexpr auto kGroupDot = DotPairs;
inline Element WidenOne(int8_t q) { return q; }
inline void WidenSixteen(Element* to, const int8_t* from) {
  const __m128i q = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_cvtepi8_epi16(q));
}
#endif

inline void Widen(Element* to, const int8_t* from, ptrdiff_t count) {
  ptrdiff_t i = 0;
  for (; i + 16 <= count; i += 16) WidenSixteen(to + i, from + i);
  if (i < count && count >= 16) {
    i = count;
    WidenSixteen(to + count - 16, from + count - 16);
  }
  for (; i < count; ++i) to[i] = WidenOne(from[i]);
}

}  // namespace
}  // namespace tersor::kernels
