// Integers of an input as the vector code multiplies them, 32 bits at a time: two i16, or with
// AVX-512 VNNI four u8 that stand for q + 128. Only for files named x86_*.
#pragma once

#include "tersor/kernels/simd/vector.h"

namespace tersor::kernels {
namespace {

#if defined(TERSOR_DOT_QUADS)
using Element = uint8_t;
constexpr auto kGroupDot = DotQuads;
inline Element WidenOne(int8_t q) { return static_cast<Element>(q ^ 0x80); }
inline void WidenSixteen(Element* to, const int8_t* from) {
  (Bytes16::Load(from) ^ Bytes16::Fill(-128)).Store(to);
}
#else
using Element = int16_t;
constexpr auto kGroupDot = DotPairs;
inline Element WidenOne(int8_t q) { return q; }
inline void WidenSixteen(Element* to, const int8_t* from) { I16x16::Widen(from).Store(to); }
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
