// The vectors of vector.h in plain C++: 4 lanes, for any CPU. Included by vector.h alone.
#pragma once

namespace tersor::kernels {
namespace {

constexpr int kLanes = 4;

/// The vector whose element l is function(l).
template <typename Vector, typename Function>
TERSOR_INLINE Vector Each(const Function& function) {
  Vector to;
  TERSOR_UNROLL
  for (int l = 0; l < Vector::kCount; ++l) to.v[l] = function(l);
  return to;
}

#define TERSOR_EACH(Vector, element) Each<Vector>([&](int l) { return element; })

/// kElements elements of T, and what all such vectors have.
template <typename Vector, typename T, int kElements>
struct Elements {
  static constexpr int kCount = kElements;
  T v[kElements];

  TERSOR_INLINE static Vector Fill(T x) {
    return Each<Vector>([&](int) { return x; });
  }
  TERSOR_INLINE static Vector Load(const void* p) {
    Vector to;
    __builtin_memcpy(to.v, p, sizeof(to.v));
    return to;
  }
  TERSOR_INLINE void Store(void* p) const { __builtin_memcpy(p, v, sizeof(v)); }
};

struct Mask : Elements<Mask, bool, kLanes> {};
TERSOR_INLINE Mask operator&(Mask a, Mask b) { return TERSOR_EACH(Mask, a.v[l] && b.v[l]); }
TERSOR_INLINE Mask operator|(Mask a, Mask b) { return TERSOR_EACH(Mask, a.v[l] || b.v[l]); }
TERSOR_INLINE Mask AndNot(Mask a, Mask b) { return TERSOR_EACH(Mask, a.v[l] && !b.v[l]); }

struct F32 : Elements<F32, float, kLanes> {
  TERSOR_INLINE static F32 Zero() { return Fill(0); }
  TERSOR_INLINE static F32 LoadPart(const float* p, int64_t count) {
    return TERSOR_EACH(F32, l < count ? p[l] : 0.0f);
  }
  TERSOR_INLINE void StorePart(float* p, int64_t count) const {
    for (int64_t l = 0; l < count; ++l) p[l] = v[l];
  }
};
TERSOR_INLINE F32 operator+(F32 a, F32 b) { return TERSOR_EACH(F32, a.v[l] + b.v[l]); }
TERSOR_INLINE F32 operator-(F32 a, F32 b) { return TERSOR_EACH(F32, a.v[l] - b.v[l]); }
TERSOR_INLINE F32 operator*(F32 a, F32 b) { return TERSOR_EACH(F32, a.v[l] * b.v[l]); }
TERSOR_INLINE F32 operator/(F32 a, F32 b) { return TERSOR_EACH(F32, a.v[l] / b.v[l]); }
TERSOR_INLINE F32 MultiplyAdd(F32 a, F32 b, F32 c) {
  return TERSOR_EACH(F32, __builtin_fmaf(a.v[l], b.v[l], c.v[l]));
}
TERSOR_INLINE F32 NegMultiplyAdd(F32 a, F32 b, F32 c) {
  return TERSOR_EACH(F32, __builtin_fmaf(-a.v[l], b.v[l], c.v[l]));
}
TERSOR_INLINE F32 Max(F32 a, F32 b) { return TERSOR_EACH(F32, a.v[l] > b.v[l] ? a.v[l] : b.v[l]); }
TERSOR_INLINE F32 Min(F32 a, F32 b) { return TERSOR_EACH(F32, a.v[l] < b.v[l] ? a.v[l] : b.v[l]); }
TERSOR_INLINE F32 Sqrt(F32 a) { return TERSOR_EACH(F32, __builtin_sqrtf(a.v[l])); }
TERSOR_INLINE F32 RoundEven(F32 a) { return TERSOR_EACH(F32, __builtin_nearbyintf(a.v[l])); }
TERSOR_INLINE Mask Greater(F32 a, F32 b) { return TERSOR_EACH(Mask, a.v[l] > b.v[l]); }
TERSOR_INLINE Mask Equal(F32 a, F32 b) { return TERSOR_EACH(Mask, a.v[l] == b.v[l]); }
TERSOR_INLINE F32 Keep(Mask mask, F32 a) { return TERSOR_EACH(F32, mask.v[l] ? a.v[l] : 0.0f); }
TERSOR_INLINE float Sum(F32 a) { return (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]); }
TERSOR_INLINE float Largest(F32 a) {
  return Larger(Larger(a.v[0], a.v[1]), Larger(a.v[2], a.v[3]));
}
TERSOR_INLINE void AddToDoubles(F32 a, double* sums) {
  for (int l = 0; l < kLanes; ++l) sums[l] += a.v[l];
}

TERSOR_INLINE int32_t Wrap(uint32_t x) { return static_cast<int32_t>(x); }
TERSOR_INLINE uint32_t Bits(int32_t x) { return static_cast<uint32_t>(x); }

struct I32 : Elements<I32, int32_t, kLanes> {};
TERSOR_INLINE I32 operator+(I32 a, I32 b) {
  return TERSOR_EACH(I32, Wrap(Bits(a.v[l]) + Bits(b.v[l])));
}
TERSOR_INLINE I32 operator-(I32 a, I32 b) {
  return TERSOR_EACH(I32, Wrap(Bits(a.v[l]) - Bits(b.v[l])));
}
TERSOR_INLINE I32 operator*(I32 a, I32 b) {
  return TERSOR_EACH(I32, Wrap(Bits(a.v[l]) * Bits(b.v[l])));
}
TERSOR_INLINE I32 operator^(I32 a, I32 b) { return TERSOR_EACH(I32, a.v[l] ^ b.v[l]); }
TERSOR_INLINE I32 Max(I32 a, I32 b) { return TERSOR_EACH(I32, Larger(a.v[l], b.v[l])); }
TERSOR_INLINE I32 Min(I32 a, I32 b) { return TERSOR_EACH(I32, Smaller(a.v[l], b.v[l])); }
template <int kBits>
TERSOR_INLINE I32 ShiftLeft(I32 a) {
  return TERSOR_EACH(I32, Wrap(Bits(a.v[l]) << kBits));
}
template <int kBits>
TERSOR_INLINE I32 ShiftRight(I32 a) {
  return TERSOR_EACH(I32, a.v[l] >> kBits);
}
TERSOR_INLINE I32 ShiftRightBy(I32 a, I32 counts) {
  return TERSOR_EACH(I32, a.v[l] >> counts.v[l]);
}
TERSOR_INLINE int32_t Sum(I32 a) {
  return Wrap(Bits(a.v[0]) + Bits(a.v[1]) + Bits(a.v[2]) + Bits(a.v[3]));
}
TERSOR_INLINE F32 ToFloat(I32 a) { return TERSOR_EACH(F32, static_cast<float>(a.v[l])); }
TERSOR_INLINE I32 Truncate(F32 a) { return TERSOR_EACH(I32, static_cast<int32_t>(a.v[l])); }
TERSOR_INLINE I32 ToInt(F32 a) { return Truncate(RoundEven(a)); }
TERSOR_INLINE I32 BitsOf(F32 a) { return I32::Load(a.v); }
TERSOR_INLINE F32 FloatOf(I32 bits) { return F32::Load(bits.v); }

TERSOR_INLINE I32 Widen(const int8_t* p) {
  return Each<I32>([&](int l) { return int32_t{p[l]}; });
}
TERSOR_INLINE I32 Widen(const uint8_t* p) {
  return Each<I32>([&](int l) { return int32_t{p[l]}; });
}
TERSOR_INLINE I32 WidenPart(const int8_t* p, int count) {
  return Each<I32>([&](int l) { return l < count ? int32_t{p[l]} : 0; });
}
/// Two i16 as one lane, the first in the lower half.
TERSOR_INLINE int32_t PairOf(int low, int high) {
  return Wrap((Bits(low) & 0xffff) | Bits(high) << 16);
}
TERSOR_INLINE I32 WidenPairs(const char* p) {
  const auto at = [&](int i) { return static_cast<int8_t>(p[i]); };
  return TERSOR_EACH(I32, PairOf(at(2 * l), at(2 * l + 1)));
}
TERSOR_INLINE I32 PairBytes(const int8_t* a, const int8_t* b) {
  return TERSOR_EACH(I32, PairOf(a[l], b[l]));
}
TERSOR_INLINE I32 DotPairs(I32 sum, I32 a, I32 b) {
  const auto low = [](int32_t pair) { return int32_t{static_cast<int16_t>(pair)}; };
  return Each<I32>([&](int l) {
    const int32_t first = low(a.v[l]) * low(b.v[l]);
    const int32_t second = (a.v[l] >> 16) * (b.v[l] >> 16);
    return Wrap(Bits(sum.v[l]) + Bits(first) + Bits(second));
  });
}

TERSOR_INLINE void StoreFour(int8_t* const (&p)[4], const I32 (&q)[4], int count) {
  for (int i = 0; i < 4; ++i) {
    if (p[i] == nullptr) continue;
    for (int l = 0; l < count; ++l) p[i][l] = static_cast<int8_t>(q[i].v[l]);
  }
}
TERSOR_INLINE int32_t Clamped(int32_t x, int32_t lo, int32_t hi) {
  return Smaller(Larger(x, lo), hi);
}

template <typename T>
class Narrow {
 public:
  TERSOR_INLINE Narrow(int32_t zero, int32_t lo, int32_t hi) : zero_(zero), lo_(lo), hi_(hi) {}

  TERSOR_INLINE void Store(T* p, const I32 (&q)[4]) const {
    for (int i = 0; i < 4 * kLanes; ++i) {
      const int32_t x = Clamped(q[i / kLanes].v[i % kLanes], -32768, 32767);
      p[i] = static_cast<T>(Clamped(Clamped(x + zero_, -32768, 32767), lo_, hi_));
    }
  }

 private:
  int32_t zero_, lo_, hi_;
};

struct I16x16 : Elements<I16x16, int16_t, 16> {
  template <typename T>
  TERSOR_INLINE static I16x16 Widen(const T* p) {
    return Each<I16x16>([&](int l) { return int16_t{p[l]}; });
  }
};
TERSOR_INLINE I16x16 operator+(I16x16 a, I16x16 b) {
  return TERSOR_EACH(I16x16, static_cast<int16_t>(a.v[l] + b.v[l]));
}
TERSOR_INLINE I16x16 operator-(I16x16 a, I16x16 b) {
  return TERSOR_EACH(I16x16, static_cast<int16_t>(a.v[l] - b.v[l]));
}
template <int kBits>
TERSOR_INLINE I16x16 ShiftLeft(I16x16 a) {
  return TERSOR_EACH(I16x16, static_cast<int16_t>(Bits(a.v[l]) << kBits));
}
TERSOR_INLINE void AddSixteen(I16x16 a, I32 (&sums)[4]) {
  for (int l = 0; l < 16; ++l) sums[l / kLanes].v[l % kLanes] += a.v[l];
}
template <typename T>
TERSOR_INLINE void StoreSixteen(T* p, const I32 (&q)[4]) {
  constexpr int32_t kLo = kIsSigned<T> ? -128 : 0, kHi = kIsSigned<T> ? 127 : 255;
  for (int l = 0; l < 16; ++l) {
    p[l] = static_cast<T>(Clamped(q[l / kLanes].v[l % kLanes], kLo, kHi));
  }
}

template <int kElements>
struct BytesOf : Elements<BytesOf<kElements>, uint8_t, kElements> {
  TERSOR_INLINE static BytesOf Fill(int x) {
    return Each<BytesOf>([&](int) { return static_cast<uint8_t>(x); });
  }
};
using Bytes16 = BytesOf<16>;
using Bytes32 = BytesOf<32>;
TERSOR_INLINE Bytes16 operator^(Bytes16 a, Bytes16 b) {
  return TERSOR_EACH(Bytes16, static_cast<uint8_t>(a.v[l] ^ b.v[l]));
}
template <bool kSigned>
TERSOR_INLINE bool IsLess(uint8_t a, uint8_t b) {
  return kSigned ? static_cast<int8_t>(a) < static_cast<int8_t>(b) : a < b;
}
template <bool kSigned, int kElements>
TERSOR_INLINE BytesOf<kElements> Max(BytesOf<kElements> a, BytesOf<kElements> b) {
  return Each<BytesOf<kElements>>(
      [&](int l) { return IsLess<kSigned>(a.v[l], b.v[l]) ? b.v[l] : a.v[l]; });
}
template <bool kSigned, int kElements>
TERSOR_INLINE BytesOf<kElements> Min(BytesOf<kElements> a, BytesOf<kElements> b) {
  return Each<BytesOf<kElements>>(
      [&](int l) { return IsLess<kSigned>(a.v[l], b.v[l]) ? a.v[l] : b.v[l]; });
}

constexpr int kTransposeSide = 4;
TERSOR_INLINE void TransposeSquare(const float* from, int64_t from_stride, float* to,
                                   int64_t to_stride) {
  for (int i = 0; i < kTransposeSide; ++i) {
    for (int j = 0; j < kTransposeSide; ++j) to[j * to_stride + i] = from[i * from_stride + j];
  }
}

#undef TERSOR_EACH

}  // namespace
}  // namespace tersor::kernels
