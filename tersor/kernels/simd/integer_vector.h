// Vectors of i32 and f32 in the width of the including file (8 lanes with AVX2, 16 with AVX-512),
// exact dot products of bytes and 16-bit integers, and the epilogue of integer_chain.h on them.
// Only for files named x86_*: all of it is in an anonymous namespace, so that each gets its own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tersor/kernels/simd/integer_chain.h"
#include "tersor/kernels/simd/intrinsics.h"

namespace tersor::kernels {
namespace {

constexpr int Smaller(int a, int b) { return a < b ? a : b; }
constexpr int Larger(int a, int b) { return a > b ? a : b; }
constexpr int CeilDiv(int a, int b) { return (a + b - 1) / b; }
constexpr int RoundUp(int a, int b) { return CeilDiv(a, b) * b; }

inline void CopyBytes(void* to, const void* from, int count) {
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

#if defined(TERSOR_AVX512)

constexpr int kLanes = 16;
using I32 = __m512i;
using F32 = __m512;

inline I32 LoadI(const void* p) { return _mm512_loadu_si512(p); }
inline void StoreI(void* p, I32 a) { _mm512_storeu_si512(p, a); }
inline I32 SetI(int32_t a) { return _mm512_set1_epi32(a); }
inline I32 AddI(I32 a, I32 b) { return _mm512_add_epi32(a, b); }
inline I32 SubI(I32 a, I32 b) { return _mm512_sub_epi32(a, b); }
inline I32 MulI(I32 a, I32 b) { return _mm512_mullo_epi32(a, b); }
inline I32 MaxI(I32 a, I32 b) { return _mm512_max_epi32(a, b); }
inline I32 XorI(I32 a, I32 b) { return _mm512_xor_si512(a, b); }
template <int kBits>
inline I32 ShiftLeftI(I32 a) {
  return _mm512_slli_epi32(a, kBits);
}
template <int kBits>
inline I32 ShiftRightI(I32 a) {
  return _mm512_srai_epi32(a, kBits);
}
inline F32 ToFloat(I32 a) { return _mm512_cvtepi32_ps(a); }
inline F32 LoadF(const float* p) { return _mm512_loadu_ps(p); }
inline F32 SetF(float a) { return _mm512_set1_ps(a); }
inline F32 AddF(F32 a, F32 b) { return _mm512_add_ps(a, b); }
inline F32 MulF(F32 a, F32 b) { return _mm512_mul_ps(a, b); }
inline F32 ClampRound(F32 x, F32 lo, F32 hi) {
  return _mm512_roundscale_ps(_mm512_min_ps(_mm512_max_ps(x, lo), hi),
                              _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/// acc[l] + the products of two 16-bit pairs, exact or wrapped around.
inline I32 DotPairs(I32 acc, I32 a, I32 b) {
#if defined(TERSOR_AVX512VNNI)
  return _mm512_dpwssd_epi32(acc, a, b);
#else
  return _mm512_add_epi32(acc, _mm512_madd_epi16(a, b));
#endif
}
#if defined(TERSOR_AVX512VNNI)
/// acc[l] + the products of four u8 and four i8.
inline I32 DotQuads(I32 acc, I32 a, I32 b) { return _mm512_dpbusd_epi32(acc, a, b); }
#endif

inline int32_t SumLanes(I32 a) { return _mm512_reduce_add_epi32(a); }

/// The first `count` of kLanes bytes as floats; the other lanes are 0.
inline F32 LoadBytes(const int8_t* p, int count) {
  if (count == kLanes) {
    return ToFloat(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  alignas(16) int8_t bytes[16] = {};
  CopyBytes(bytes, p, count);
  return ToFloat(_mm512_cvtepi8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(bytes))));
}

/// Integers v + zero within i8, the first `count` of kLanes.
inline void StoreBytes(int8_t* p, F32 v, I32 zero, int count) {
  const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_add_epi32(_mm512_cvtps_epi32(v), zero));
  if (count == kLanes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
    return;
  }
  alignas(16) int8_t all[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(all), bytes);
  CopyBytes(p, all, count);
}

#else

constexpr int kLanes = 8;
using I32 = __m256i;
using F32 = __m256;

inline I32 LoadI(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline void StoreI(void* p, I32 a) { _mm256_storeu_si256(static_cast<__m256i*>(p), a); }
inline I32 SetI(int32_t a) { return _mm256_set1_epi32(a); }
inline I32 AddI(I32 a, I32 b) { return _mm256_add_epi32(a, b); }
inline I32 SubI(I32 a, I32 b) { return _mm256_sub_epi32(a, b); }
inline I32 MulI(I32 a, I32 b) { return _mm256_mullo_epi32(a, b); }
inline I32 MaxI(I32 a, I32 b) { return _mm256_max_epi32(a, b); }
inline I32 XorI(I32 a, I32 b) { return _mm256_xor_si256(a, b); }
template <int kBits>
inline I32 ShiftLeftI(I32 a) {
  return _mm256_slli_epi32(a, kBits);
}
template <int kBits>
inline I32 ShiftRightI(I32 a) {
  return _mm256_srai_epi32(a, kBits);
}
inline F32 ToFloat(I32 a) { return _mm256_cvtepi32_ps(a); }
inline F32 LoadF(const float* p) { return _mm256_loadu_ps(p); }
inline F32 SetF(float a) { return _mm256_set1_ps(a); }
inline F32 AddF(F32 a, F32 b) { return _mm256_add_ps(a, b); }
inline F32 MulF(F32 a, F32 b) { return _mm256_mul_ps(a, b); }
inline F32 ClampRound(F32 x, F32 lo, F32 hi) {
  return _mm256_round_ps(_mm256_min_ps(_mm256_max_ps(x, lo), hi),
                         _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/// acc[l] + the products of two 16-bit pairs, exact or wrapped around.
inline I32 DotPairs(I32 acc, I32 a, I32 b) {
  return _mm256_add_epi32(acc, _mm256_madd_epi16(a, b));
}

inline int32_t SumLanes(I32 a) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

/// The first `count` of kLanes bytes as floats; the other lanes are 0.
inline F32 LoadBytes(const int8_t* p, int count) {
  int64_t bytes = 0;
  if (count == kLanes) {
    __builtin_memcpy(&bytes, p, 8);
  } else {
    CopyBytes(&bytes, p, count);
  }
  return ToFloat(_mm256_cvtepi8_epi32(_mm_cvtsi64_si128(bytes)));
}

/// Integers v + zero within i8, the first `count` of kLanes.
inline void StoreBytes(int8_t* p, F32 v, I32 zero, int count) {
  const __m256i q = _mm256_add_epi32(_mm256_cvtps_epi32(v), zero);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
  const __m128i bytes = _mm_packs_epi16(words, words);
  if (count == kLanes) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), bytes);
    return;
  }
  const int64_t all = _mm_cvtsi128_si64(bytes);
  CopyBytes(p, &all, count);
}

#endif

/// Where the epilogue of some pixels goes: bytes at base + offset of the pixel, and at the same
/// offset in the added tensors. A negative offset: the pixel lies outside and is not stored.
struct ChainTarget {
  int8_t* result;
  const ConstTensorView* operands;
};

/// Does the chain on exact sums (bias included) of kCount pixels at channels [channel,
/// channel + kLanes), of which `count` exist, and stores them.
template <int kCount>
inline void FinishSums(const IntegerChain& chain, const ChainTarget& target, int channel, int count,
                       const I32 (&sums)[kCount], const ptrdiff_t (&offsets)[kCount]) {
  F32 v[kCount];
  {
    const F32 multiplier = LoadF(chain.multiplier + channel);
    const F32 lo = SetF(chain.lo), hi = SetF(chain.hi);
    TERSOR_UNROLL
    for (int i = 0; i < kCount; ++i) v[i] = ClampRound(MulF(ToFloat(sums[i]), multiplier), lo, hi);
  }
  for (int l = 0; l < chain.link_count; ++l) {
    const IntegerLink& link = chain.links[l];
    const F32 lo = SetF(link.lo), hi = SetF(link.hi), a = SetF(link.multiplier_a);
    if (link.kind == IntegerLink::Kind::kMultiply) {
      const F32 k = LoadF(link.channel + channel);
      TERSOR_UNROLL
      for (int i = 0; i < kCount; ++i) v[i] = ClampRound(MulF(MulF(v[i], k), a), lo, hi);
    } else if (link.kind == IntegerLink::Kind::kAddConstant) {
      const F32 k = LoadF(link.channel + channel);
      TERSOR_UNROLL
      for (int i = 0; i < kCount; ++i) v[i] = ClampRound(AddF(MulF(v[i], a), k), lo, hi);
    } else {
      const F32 b = SetF(link.multiplier_b), zero_b = ToFloat(SetI(-link.zero_b));
      const auto* other = static_cast<const int8_t*>(target.operands[link.operand].data);
      TERSOR_UNROLL
      for (int i = 0; i < kCount; ++i) {
        const ptrdiff_t at = offsets[i] < 0 ? 0 : offsets[i] + channel;
        const F32 y = AddF(LoadBytes(other + at, count), zero_b);
        v[i] = ClampRound(AddF(MulF(v[i], a), MulF(y, b)), lo, hi);
      }
    }
  }
  const I32 zero = SetI(chain.zero_point);
  TERSOR_UNROLL
  for (int i = 0; i < kCount; ++i) {
    if (offsets[i] >= 0) StoreBytes(target.result + offsets[i] + channel, v[i], zero, count);
  }
}

/// The largest of four sums where the chain rises, the smallest where it falls.
inline I32 PoolSums(I32 a, I32 b, I32 c, I32 d, I32 flip) {
  const I32 top = MaxI(XorI(a, flip), XorI(b, flip));
  return XorI(MaxI(top, MaxI(XorI(c, flip), XorI(d, flip))), flip);
}

/// acc[r][v] += dot(32-bit group at rows[r] + at, broadcast; filter[group][v]) for at = begin,
/// begin + 4, ... before end. Moves `filter` behind what it has read.
template <int kRows, int kVectors, auto kDot>
inline __attribute__((always_inline)) void MultiplyGroups(const char* const (&rows)[kRows],
                                                          ptrdiff_t begin, ptrdiff_t end,
                                                          const char*& filter,
                                                          I32 (&acc)[kRows][kVectors]) {
  for (ptrdiff_t at = begin; at < end; at += 4) {
    I32 w[kVectors];
    TERSOR_UNROLL
    for (int v = 0; v < kVectors; ++v) w[v] = LoadI(filter + v * (kLanes * 4));
    filter += kVectors * kLanes * 4;
    TERSOR_UNROLL
    for (int r = 0; r < kRows; ++r) {
      int32_t group;
      __builtin_memcpy(&group, rows[r] + at, 4);
      const I32 x = SetI(group);
      TERSOR_UNROLL
      for (int v = 0; v < kVectors; ++v) acc[r][v] = kDot(acc[r][v], x, w[v]);
    }
  }
}

}  // namespace
}  // namespace tersor::kernels
