// The epilogue of integer_chain.h on vectors, and the product of 32-bit groups that the integer
// kernels are made of.
#pragma once

#include "tersor/kernels/simd/integer_chain.h"
#include "tersor/kernels/simd/vector.h"

namespace tersor::kernels {
namespace {

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
  c.lo = I32::Fill(chain.lo);
  c.hi = I32::Fill(chain.hi);
  c.multiplier = F32::Load(chain.multiplier + channel);
  return c;
}

template <IntegerLink::Kind kKind>
inline StepConstants LinkStep(const IntegerLink& link, const ChainTarget& target, int channel) {
  StepConstants c{};
  c.lo = I32::Fill(link.lo);
  c.hi = I32::Fill(link.hi);
  if constexpr (kKind == IntegerLink::Kind::kMultiply) {
    c.multiplier = F32::Fill(link.multiplier);
    c.channel = F32::Load(link.channel + channel);
    return c;
  }
  c.factor_a = I32::Fill(link.factor_a);
  c.shift = I32::Fill(link.shift);
  if constexpr (kKind == IntegerLink::Kind::kAddConstant) {
    c.sum = I32::Load(link.channel_sum + channel);
  } else if constexpr (kKind == IntegerLink::Kind::kAddTensor) {
    c.factor_b = I32::Fill(link.factor_b);
    c.sum = I32::Fill(link.bias);
    c.other = static_cast<const int8_t*>(target.operands[link.operand].data) + channel;
  }
  return c;
}

/// x rounded and clamped, as kRounderBits plus the integer.
inline I32 RoundClamp(F32 x, const StepConstants& c) {
  return Min(Max(BitsOf(x + F32::Fill(kRounder)), c.lo), c.hi);
}

template <IntegerLink::Kind kKind>
inline I32 ApplyLink(I32 bits, const StepConstants& c, ptrdiff_t offset, int count) {
  if constexpr (kKind == IntegerLink::Kind::kMultiply) {
    const F32 v = FloatOf(bits) - F32::Fill(kRounder);
    return RoundClamp(v * c.channel * c.multiplier, c);
  }
  I32 sum = (bits - I32::Fill(kRounderBits)) * c.factor_a + c.sum;
  if constexpr (kKind == IntegerLink::Kind::kAddTensor) {
    sum = sum + WidenUpTo(c.other + (offset < 0 ? 0 : offset), count) * c.factor_b;
  }
  const I32 v = ShiftRightBy(sum, c.shift) + I32::Fill(kRounderBits);
  return Min(Max(v, c.lo), c.hi);
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
    bits[j] = RoundClamp(ToFloat(sums[j]) * first.multiplier, first);
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
  const I32 shift = I32::Fill(chain.zero_point - kRounderBits);
  TERSOR_UNROLL
  for (int j = 0; j < kPixels; ++j) bits[j] = bits[j] + shift;
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
  const I32 top = Max(a ^ flip, b ^ flip);
  return Max(top, Max(c ^ flip, d ^ flip)) ^ flip;
}

/// A vector of packed filter as it is used, and one of i8 that is used as i16.
struct PlainFilter {
  static constexpr int kBytes = kLanes * 4;
  static I32 Load(const char* p) { return I32::Load(p); }
};
struct ByteFilter {
  static constexpr int kBytes = kLanes * 2;
  static I32 Load(const char* p) { return WidenPairs(p); }
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
      const I32 x = I32::Fill(group);
      TERSOR_UNROLL
      for (int v = 0; v < kVectors; ++v) acc[r][v] = kDot(acc[r][v], x, w[v]);
    }
  }
}

// Integers of an input as they are multiplied, 32 bits at a time: two i16, or where there is
// DotQuads four u8 that stand for q + 128.
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
