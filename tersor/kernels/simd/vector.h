// The one vector type of the kernels: F32 (kLanes floats) and I32 (kLanes integers) in the width of
// the including file, with what integer kernels need of narrower elements.
//
// Include it only in files that are compiled for one CPU level, and in the *-inl.h headers that
// hold their bodies. Everything is in an unnamed namespace: each such file gets a copy of its own,
// which the linker cannot hand to code that must run on a lesser CPU. Such a file exports a table
// of function pointers and nothing else (tools/check_symbols).
//
// An instruction set is one header, chosen at the end of this one. It defines what follows; the
// suite, vector_test.cc, holds each of them to it.
//
//   kLanes                 elements of F32 and I32
//   F32                    Zero() Fill(x) Load(p) LoadPart(p, n) v.Store(p) v.StorePart(p, n)
//                          + - * /   No alignment is needed. The parts: the first n elements,
//                          0 <= n < kLanes; other lanes are 0, other memory is not touched
//   MultiplyAdd(a, b, c)   a * b + c, rounded once;  NegMultiplyAdd(a, b, c): c - a * b
//   Max(a, b) Min(a, b)    b where one of them is NaN;  Sqrt(a);  RoundEven(a)
//   Mask                   Greater(a, b) Equal(a, b), false for NaN;  & | AndNot(a, b): a and not b
//   Keep(mask, a)          a where the mask holds, else 0
//   Sum(a) Largest(a)      over the lanes, in the order that the instruction set finds easy
//   AddToDoubles(a, sums)  sums[l] += a[l], in double
//   I32                    Fill(x) Load(p) v.Store(p)  + - * ^, modulo 2^32;  Max Min;  Sum(a)
//   ShiftLeft<n>(a), ShiftRight<n>(a), ShiftRightBy(a, counts)    the right shifts are arithmetic
//   ToFloat(I32), ToInt(F32) rounds half to even, Truncate(F32);  BitsOf(F32), FloatOf(I32)
//
//   Widen(p)               kLanes i8 or u8 as I32;  WidenPart(p, n): the first n i8, others 0
//   StoreFour(p, q, n)     four vectors of integers within i8: the first n lanes of q[i] as bytes
//                          at p[i], where that is not null
//   Narrow<T>(zero, lo, hi).Store(p, q)    clamp(saturate16(saturate16(q) + zero), lo, hi) of four
//                          vectors, as 4 * kLanes bytes of T
//   WidenPairs(p)          2 * kLanes i8 as pairs of i16;  PairBytes(a, b): pairs (a[l], b[l])
//   DotPairs(sum, a, b)    sum[l] + the products of the two i16 of each lane, modulo 2^32
//   DotQuads(sum, a, b)    sum[l] + the products of four u8 of a and four i8 of b; only where
//                          TERSOR_DOT_QUADS is defined
//
//   I16x16                 sixteen i16 at every level: Fill(x) Load(p) Widen(i8 or u8) v.Store(p)
//                          + -, modulo 2^16;  ShiftLeft<n>(a)
//   AddSixteen(a, sums)    sums[16 / kLanes] += the sixteen, as i32
//   StoreSixteen(p, q)     sixteen i32 as i8 or u8, saturated
//   Bytes16, Bytes32       so many bytes at every level: kCount Fill(x) Load(p) v.Store(p);
//                          Max<kSigned>(a, b) Min<kSigned>(a, b); Bytes16 also a ^ b
//   TransposeSquare(from, from_stride, to, to_stride)    kTransposeSide rows of as many floats
#pragma once

#include <cstddef>
#include <cstdint>

#define TERSOR_INLINE inline __attribute__((always_inline))
#define TERSOR_LAMBDA __attribute__((always_inline))
#define TERSOR_NOINLINE __attribute__((noinline))

/// Before a loop whose count is a small constant: keeps arrays of vectors in registers.
#if defined(__clang__)
#define TERSOR_UNROLL _Pragma("unroll")
#else
#define TERSOR_UNROLL _Pragma("GCC unroll 16")
#endif

namespace tersor::kernels {
namespace {

template <typename T>
constexpr bool kIsSigned = static_cast<T>(-1) < static_cast<T>(0);

// The standard library's functions of this kind are templates with outside linkage.
template <typename T>
constexpr T Smaller(T a, T b) {
  return b < a ? b : a;
}
template <typename T>
constexpr T Larger(T a, T b) {
  return a < b ? b : a;
}
constexpr int CeilDiv(int a, int b) { return (a + b - 1) / b; }
constexpr int RoundUp(int a, int b) { return CeilDiv(a, b) * b; }

TERSOR_INLINE void CopyBytes(void* to, const void* from, int count) {
  auto* t = static_cast<char*>(to);
  const auto* f = static_cast<const char*>(from);
  for (; count >= 8; count -= 8, t += 8, f += 8) __builtin_memcpy(t, f, 8);
  if (count & 4) {
    __builtin_memcpy(t, f, 4);
    t += 4;
    f += 4;
  }
  if (count & 2) {
    __builtin_memcpy(t, f, 2);
    t += 2;
    f += 2;
  }
  if (count & 1) *t = *f;
}

}  // namespace
}  // namespace tersor::kernels

#if defined(__AVX512F__) || defined(TERSOR_EMULATE_AVX512)
#include "tersor/kernels/simd/vector_x86_avx512.h"
#elif defined(__AVX2__)
#include "tersor/kernels/simd/vector_x86_avx2.h"
#else
#include "tersor/kernels/simd/vector_scalar.h"
#endif

namespace tersor::kernels {
namespace {

/// Elements of one block of an 8-bit loop: the bytes that Narrow::Store writes.
constexpr int kBlock = 4 * kLanes;

/// A whole vector, or a part where fewer than kLanes elements are left.
TERSOR_INLINE F32 LoadUpTo(const float* p, int64_t count) {
  return count >= kLanes ? F32::Load(p) : F32::LoadPart(p, count);
}
TERSOR_INLINE void StoreUpTo(float* p, int64_t count, F32 v) {
  count >= kLanes ? v.Store(p) : v.StorePart(p, count);
}
TERSOR_INLINE I32 WidenUpTo(const int8_t* p, int count) {
  return count >= kLanes ? Widen(p) : WidenPart(p, count);
}

/// e^x: x = n ln 2 + r, e^r by its series up to r^7, then times 2^n in two steps so that subnormal
/// results come out right. Relative error below 2e-7. NaN stays NaN.
TERSOR_INLINE F32 Exp(F32 x) {
  x = Min(F32::Fill(89.0f), Max(F32::Fill(-104.0f), x));
  const F32 n = RoundEven(x * F32::Fill(1.44269504088896341f));
  F32 r = MultiplyAdd(n, F32::Fill(-0.693145751953125f), x);
  r = MultiplyAdd(n, F32::Fill(-1.42860682030941723212e-6f), r);
  F32 p = F32::Fill(1.0f / 5040);
  p = MultiplyAdd(p, r, F32::Fill(1.0f / 720));
  p = MultiplyAdd(p, r, F32::Fill(1.0f / 120));
  p = MultiplyAdd(p, r, F32::Fill(1.0f / 24));
  p = MultiplyAdd(p, r, F32::Fill(1.0f / 6));
  p = MultiplyAdd(p, r, F32::Fill(0.5f));
  p = MultiplyAdd(p, r, F32::Fill(1.0f));
  p = MultiplyAdd(p, r, F32::Fill(1.0f));
  const I32 whole = ToInt(n);
  const I32 half = ShiftRight<1>(whole);
  const F32 scale1 = FloatOf(ShiftLeft<23>(half + I32::Fill(127)));
  const F32 scale2 = FloatOf(ShiftLeft<23>(whole - half + I32::Fill(127)));
  return p * scale1 * scale2;
}

}  // namespace
}  // namespace tersor::kernels
