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
inline I32 ShiftRightBy(I32 a, I32 count) { return _mm512_srav_epi32(a, count); }
inline F32 ToFloat(I32 a) { return _mm512_cvtepi32_ps(a); }
/// 2 * kLanes bytes as i16.
inline I32 WidenBytes(const char* p) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline F32 LoadF(const float* p) { return _mm512_loadu_ps(p); }
inline F32 SetF(float a) { return _mm512_set1_ps(a); }
inline F32 AddF(F32 a, F32 b) { return _mm512_add_ps(a, b); }
inline F32 MulF(F32 a, F32 b) { return _mm512_mul_ps(a, b); }
inline F32 SubF(F32 a, F32 b) { return _mm512_sub_ps(a, b); }
inline I32 MinI(I32 a, I32 b) { return _mm512_min_epi32(a, b); }
inline I32 BitsOf(F32 a) { return _mm512_castps_si512(a); }
inline F32 FloatOf(I32 bits) { return _mm512_castsi512_ps(bits); }

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

/// i16 pairs (a[l], b[l]) of kLanes bytes each.
inline I32 PairBytes(const int8_t* a, const int8_t* b) {
  const I32 low = _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a)));
  const I32 high = _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
  return _mm512_or_si512(_mm512_and_si512(low, SetI(0xffff)), ShiftLeftI<16>(high));
}

/// The first `count` of kLanes bytes as integers; the other lanes are 0.
inline I32 LoadBytes(const int8_t* p, int count) {
  if (count == kLanes) {
    return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  alignas(16) int8_t bytes[16] = {};
  CopyBytes(bytes, p, count);
  return _mm512_cvtepi8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(bytes)));
}

/// Four vectors of integers within i8: the first `count` lanes of each as bytes at p[i], where it
/// is not null.
inline void StoreFour(int8_t* const (&p)[4], const I32 (&q)[4], int count) {
  TERSOR_UNROLL
  for (int i = 0; i < 4; ++i) {
    if (p[i] == nullptr) continue;
    const __m128i bytes = _mm512_cvtepi32_epi8(q[i]);
    if (count == kLanes) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p[i]), bytes);
    } else {
      alignas(16) int8_t all[16];
      _mm_store_si128(reinterpret_cast<__m128i*>(all), bytes);
      CopyBytes(p[i], all, count);
    }
  }
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
inline I32 ShiftRightBy(I32 a, I32 count) { return _mm256_srav_epi32(a, count); }
inline F32 ToFloat(I32 a) { return _mm256_cvtepi32_ps(a); }
/// 2 * kLanes bytes as i16.
inline I32 WidenBytes(const char* p) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline F32 LoadF(const float* p) { return _mm256_loadu_ps(p); }
inline F32 SetF(float a) { return _mm256_set1_ps(a); }
inline F32 AddF(F32 a, F32 b) { return _mm256_add_ps(a, b); }
inline F32 MulF(F32 a, F32 b) { return _mm256_mul_ps(a, b); }
inline F32 SubF(F32 a, F32 b) { return _mm256_sub_ps(a, b); }
inline I32 MinI(I32 a, I32 b) { return _mm256_min_epi32(a, b); }
inline I32 BitsOf(F32 a) { return _mm256_castps_si256(a); }
inline F32 FloatOf(I32 bits) { return _mm256_castsi256_ps(bits); }

/// acc[l] + the products of two 16-bit pairs, exact or wrapped around.
inline I32 DotPairs(I32 acc, I32 a, I32 b) {
  return _mm256_add_epi32(acc, _mm256_madd_epi16(a, b));
}

inline int32_t SumLanes(I32 a) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

/// i16 pairs (a[l], b[l]) of kLanes bytes each.
inline I32 PairBytes(const int8_t* a, const int8_t* b) {
  const I32 low = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(a)));
  const I32 high = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(b)));
  return _mm256_blend_epi16(low, ShiftLeftI<16>(high), 0xaa);
}

/// The first `count` of kLanes bytes as integers; the other lanes are 0.
inline I32 LoadBytes(const int8_t* p, int count) {
  int64_t bytes = 0;
  if (count == kLanes) {
    __builtin_memcpy(&bytes, p, 8);
  } else {
    CopyBytes(&bytes, p, count);
  }
  return _mm256_cvtepi8_epi32(_mm_cvtsi64_si128(bytes));
}

/// Four vectors of integers within i8: the first `count` lanes of each as bytes at p[i], where it
/// is not null.
inline void StoreFour(int8_t* const (&p)[4], const I32 (&q)[4], int count) {
  const __m256i words01 = _mm256_packs_epi32(q[0], q[1]), words23 = _mm256_packs_epi32(q[2], q[3]);
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

#endif

/// Where the epilogue of some pixels goes: bytes at `result` + offset of the pixel, and at the same
/// offset in the added tensors. A negative offset: the pixel does not exist.
struct ChainTarget {
  int8_t* result;
  const ConstTensorView* operands;
};

/// Parameters of one step at kLanes channels; which of them are used depends on its kind.
struct StepConstants {
  I32 lo, hi;
  F32 multiplier, channel;
  I32 factor_a, factor_b, sum, shift;
  const int8_t* other;
};

inline StepConstants FirstStep(const IntegerChain& chain, int channel) {
  StepConstants c{};
  c.lo = SetI(chain.lo);
  c.hi = SetI(chain.hi);
  c.multiplier = LoadF(chain.multiplier + channel);
  return c;
}

template <IntegerLink::Kind kKind>
inline StepConstants LinkStep(const IntegerLink& link, const ChainTarget& target, int channel) {
  StepConstants c{};
  c.lo = SetI(link.lo);
  c.hi = SetI(link.hi);
  if constexpr (kKind == IntegerLink::Kind::kMultiply) {
    c.multiplier = SetF(link.multiplier);
    c.channel = LoadF(link.channel + channel);
    return c;
  }
  c.factor_a = SetI(link.factor_a);
  c.shift = SetI(link.shift);
  if constexpr (kKind == IntegerLink::Kind::kAddConstant) {
    c.sum = LoadI(link.channel_sum + channel);
  } else if constexpr (kKind == IntegerLink::Kind::kAddTensor) {
    c.factor_b = SetI(link.factor_b);
    c.sum = SetI(link.bias);
    c.other = static_cast<const int8_t*>(target.operands[link.operand].data) + channel;
  }
  return c;
}

/// x rounded and clamped, as kRounderBits plus the integer.
inline I32 RoundClamp(F32 x, const StepConstants& c) {
  return MinI(MaxI(BitsOf(AddF(x, SetF(kRounder))), c.lo), c.hi);
}

template <IntegerLink::Kind kKind>
inline I32 ApplyLink(I32 bits, const StepConstants& c, ptrdiff_t offset, int count) {
  if constexpr (kKind == IntegerLink::Kind::kMultiply) {
    const F32 v = SubF(FloatOf(bits), SetF(kRounder));
    return RoundClamp(MulF(MulF(v, c.channel), c.multiplier), c);
  }
  I32 sum = AddI(MulI(SubI(bits, SetI(kRounderBits)), c.factor_a), c.sum);
  if constexpr (kKind == IntegerLink::Kind::kAddTensor) {
    sum = AddI(sum, MulI(LoadBytes(c.other + (offset < 0 ? 0 : offset), count), c.factor_b));
  }
  const I32 v = AddI(ShiftRightBy(sum, c.shift), SetI(kRounderBits));
  return MinI(MaxI(v, c.lo), c.hi);
}

template <IntegerLink::Kind kKind, int kPixels>
inline void ApplyLinks(I32 (&bits)[kPixels], const StepConstants& c, const ptrdiff_t* offsets,
                       int count) {
  TERSOR_UNROLL
  for (int j = 0; j < kPixels; ++j) bits[j] = ApplyLink<kKind>(bits[j], c, offsets[j], count);
}

/// FinishSums for kPixels pixels; the links are kLinks. So many pixels side by side hide the
/// latency of the chain.
template <int kPixels, IntegerLink::Kind... kLinks>
inline void FinishPixels(const IntegerChain& chain, const ChainTarget& target, int channel,
                         int count, const I32* sums, const ptrdiff_t* offsets) {
  const StepConstants first = FirstStep(chain, channel);
  I32 bits[kPixels];
  TERSOR_UNROLL
  for (int j = 0; j < kPixels; ++j)
    bits[j] = RoundClamp(MulF(ToFloat(sums[j]), first.multiplier), first);
  const IntegerLink* link = chain.links;
  (ApplyLinks<kLinks>(bits, LinkStep<kLinks>(*link++, target, channel), offsets, count), ...);
  if constexpr (sizeof...(kLinks) == 0) {
    using Kind = IntegerLink::Kind;
    for (const IntegerLink* end = chain.links + chain.link_count; link < end; ++link) {
      if (link->kind == Kind::kMultiply) {
        ApplyLinks<Kind::kMultiply>(bits, LinkStep<Kind::kMultiply>(*link, target, channel),
                                    offsets, count);
      } else if (link->kind == Kind::kAddConstant) {
        ApplyLinks<Kind::kAddConstant>(bits, LinkStep<Kind::kAddConstant>(*link, target, channel),
                                       offsets, count);
      } else {
        ApplyLinks<Kind::kAddTensor>(bits, LinkStep<Kind::kAddTensor>(*link, target, channel),
                                     offsets, count);
      }
    }
  }
  const I32 shift = SetI(chain.zero_point - kRounderBits);
  TERSOR_UNROLL
  for (int j = 0; j < kPixels; ++j) bits[j] = AddI(bits[j], shift);
  int8_t* result = target.result + channel;
  if constexpr (kPixels == 1) {
    StoreFour({result + offsets[0], nullptr, nullptr, nullptr},
              {bits[0], bits[0], bits[0], bits[0]}, count);
  } else {
    TERSOR_UNROLL
    for (int j = 0; j < kPixels; j += 4) {
      int8_t* to[4];
      TERSOR_UNROLL
      for (int i = 0; i < 4; ++i) to[i] = offsets[j + i] < 0 ? nullptr : result + offsets[j + i];
      StoreFour(to, {bits[j], bits[j + 1], bits[j + 2], bits[j + 3]}, count);
    }
  }
}

template <IntegerLink::Kind... kLinks>
inline void FinishAs(const IntegerChain& chain, const ChainTarget& target, int channel, int count,
                     const I32* sums, const ptrdiff_t* offsets, int pixels) {
  if (pixels == 1) {
    FinishPixels<1, kLinks...>(chain, target, channel, count, sums, offsets);
    return;
  }
  int i = 0;
  for (; i + 8 <= pixels; i += 8) {
    FinishPixels<8, kLinks...>(chain, target, channel, count, sums + i, offsets + i);
  }
  if (i < pixels) {
    FinishPixels<4, kLinks...>(chain, target, channel, count, sums + i, offsets + i);
  }
}

/// Does the chain on the exact sums (bias included) of `pixels` pixels, one or a multiple of four,
/// at channels [channel, channel + kLanes), of which `count` exist, and stores them.
inline void FinishSums(const IntegerChain& chain, const ChainTarget& target, int channel, int count,
                       const I32* sums, const ptrdiff_t* offsets, int pixels) {
  using Kind = IntegerLink::Kind;
  const IntegerLink* links = chain.links;
  if (chain.link_count == 1 && links[0].kind == Kind::kAddTensor) {
    FinishAs<Kind::kAddTensor>(chain, target, channel, count, sums, offsets, pixels);
  } else if (chain.link_count == 2 && links[0].kind == Kind::kMultiply &&
             links[1].kind == Kind::kAddConstant) {
    FinishAs<Kind::kMultiply, Kind::kAddConstant>(chain, target, channel, count, sums, offsets,
                                                  pixels);
  } else {
    FinishAs<>(chain, target, channel, count, sums, offsets, pixels);
  }
}

/// The largest of four sums where the chain rises, the smallest where it falls.
inline I32 PoolSums(I32 a, I32 b, I32 c, I32 d, I32 flip) {
  const I32 top = MaxI(XorI(a, flip), XorI(b, flip));
  return XorI(MaxI(top, MaxI(XorI(c, flip), XorI(d, flip))), flip);
}

/// A vector of packed filter as it is used, and one of i8 that is used as i16.
struct PlainFilter {
  static constexpr int kBytes = kLanes * 4;
  static I32 Load(const char* p) { return LoadI(p); }
};
struct ByteFilter {
  static constexpr int kBytes = kLanes * 2;
  static I32 Load(const char* p) { return WidenBytes(p); }
};

/// acc[r][v] += dot(32-bit group at rows[r] + at, broadcast; filter[group][v]) for at = begin,
/// begin + 4, ... before end. Moves `filter` behind what it has read.
template <int kRows, int kVectors, auto kDot, typename Filter = PlainFilter>
inline __attribute__((always_inline)) void MultiplyGroups(const char* const (&rows)[kRows],
                                                          ptrdiff_t begin, ptrdiff_t end,
                                                          const char*& filter,
                                                          I32 (&acc)[kRows][kVectors]) {
  for (ptrdiff_t at = begin; at < end; at += 4) {
    I32 w[kVectors];
    TERSOR_UNROLL
    for (int v = 0; v < kVectors; ++v) w[v] = Filter::Load(filter + v * Filter::kBytes);
    filter += kVectors * Filter::kBytes;
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
