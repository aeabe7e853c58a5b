// The table of vector_testing.h over the vector of the including file.
#pragma once

#include "tersor/kernels/simd/vector.h"
#include "tersor/kernels/simd/vector_testing.h"

namespace tersor::kernels {
namespace {

#define F32_OPERATION(name, vector, scalar)                                       \
  void F32##name(const float* pa, const float* pb, const float* pc, float* out) { \
    [[maybe_unused]] const F32 a = F32::Load(pa), b = F32::Load(pb);              \
    [[maybe_unused]] const F32 c = F32::Load(pc);                                 \
    (vector).Store(out);                                                          \
  }
#define I32_OPERATION(name, vector, scalar)                                               \
  void I32##name(const int32_t* pa, const int32_t* pb, const int32_t* pc, int32_t* out) { \
    [[maybe_unused]] const I32 a = I32::Load(pa), b = I32::Load(pb);                      \
    [[maybe_unused]] const I32 c = I32::Load(pc);                                         \
    (vector).Store(out);                                                                  \
  }
#define I16_OPERATION(name, vector, scalar)                                   \
  void I16##name(const int16_t* pa, const int16_t* pb, int16_t* out) {        \
    [[maybe_unused]] const I16x16 a = I16x16::Load(pa), b = I16x16::Load(pb); \
    (vector).Store(out);                                                      \
  }
#include "tersor/kernels/simd/vector_testing_operations.inc"
#undef F32_OPERATION
#undef I32_OPERATION
#undef I16_OPERATION

template <int kCount>
void LoadAll(const int32_t* p, I32 (&q)[kCount]) {
  TERSOR_UNROLL
  for (int i = 0; i < kCount; ++i) q[i] = I32::Load(p + i * kLanes);
}

template <typename T>
void NarrowBlock(const int32_t* p, int32_t zero, int32_t lo, int32_t hi, T* out) {
  I32 q[4];
  LoadAll(p, q);
  Narrow<T>(zero, lo, hi).Store(out, q);
}

template <typename T>
void StoreSixteenOf(const int32_t* p, T* out) {
  I32 q[16 / kLanes];
  LoadAll(p, q);
  StoreSixteen(out, q);
}

template <typename Bytes, bool kMax, bool kSigned>
void Extreme(const void* pa, const void* pb, void* out) {
  const Bytes a = Bytes::Load(pa), b = Bytes::Load(pb);
  if constexpr (kMax) {
    Max<kSigned>(a, b).Store(out);
  } else {
    Min<kSigned>(a, b).Store(out);
  }
}

constexpr VectorTable kTable = {
    .lanes = kLanes,
    .f32 =
        {
#define F32_OPERATION(name, vector, scalar) F32##name,
#define I32_OPERATION(name, vector, scalar)
#define I16_OPERATION(name, vector, scalar)
#include "tersor/kernels/simd/vector_testing_operations.inc"
#undef F32_OPERATION
#undef I32_OPERATION
        },
    .i32 =
        {
#define F32_OPERATION(name, vector, scalar)
#define I32_OPERATION(name, vector, scalar) I32##name,
#include "tersor/kernels/simd/vector_testing_operations.inc"
#undef I32_OPERATION
#undef I16_OPERATION
        },
    .i16 =
        {
#define I32_OPERATION(name, vector, scalar)
#define I16_OPERATION(name, vector, scalar) I16##name,
#include "tersor/kernels/simd/vector_testing_operations.inc"
#undef F32_OPERATION
#undef I32_OPERATION
#undef I16_OPERATION
        },
    .load_part = [](const float* p, int n, float* out) { F32::LoadPart(p, n).Store(out); },
    .store_part = [](const float* v, int n, float* out) { F32::Load(v).StorePart(out, n); },
    .copy_up_to = [](const float* p, int n, float* out) { StoreUpTo(out, n, LoadUpTo(p, n)); },
    .sum = [](const float* v) { return Sum(F32::Load(v)); },
    .largest = [](const float* v) { return Largest(F32::Load(v)); },
    .add_to_doubles = [](const float* v, double* sums) { AddToDoubles(F32::Load(v), sums); },
    .exp = [](const float* v, float* out) { Exp(F32::Load(v)).Store(out); },
    .sum_i32 = [](const int32_t* v) { return Sum(I32::Load(v)); },
    .widen_i8 = [](const int8_t* p, int32_t* out) { Widen(p).Store(out); },
    .widen_u8 = [](const uint8_t* p, int32_t* out) { Widen(p).Store(out); },
    .widen_up_to = [](const int8_t* p, int n, int32_t* out) { WidenUpTo(p, n).Store(out); },
    .widen_pairs = [](const char* p, int32_t* out) { WidenPairs(p).Store(out); },
    .pair_bytes = [](const int8_t* a, const int8_t* b,
                     int32_t* out) { PairBytes(a, b).Store(out); },
    .store_four =
        [](int8_t* const (&p)[4], const int32_t* from, int count) {
          I32 q[4];
          LoadAll(from, q);
          StoreFour(p, q, count);
        },
    .narrow_i8 = NarrowBlock<int8_t>,
    .narrow_u8 = NarrowBlock<uint8_t>,
#if defined(TERSOR_DOT_QUADS)
    .dot_quads =
        [](int32_t* sum, const void* a, const void* b) {
          DotQuads(I32::Load(sum), I32::Load(a), I32::Load(b)).Store(sum);
        },
#else
    .dot_quads = nullptr,
#endif
    .widen_sixteen_i8 = [](const int8_t* p, int16_t* out) { I16x16::Widen(p).Store(out); },
    .widen_sixteen_u8 = [](const uint8_t* p, int16_t* out) { I16x16::Widen(p).Store(out); },
    .add_sixteen =
        [](const int16_t* v, int32_t* sums) {
          I32 q[16 / kLanes];
          LoadAll(sums, q);
          AddSixteen(I16x16::Load(v), q);
          for (int i = 0; i < 16 / kLanes; ++i) q[i].Store(sums + i * kLanes);
        },
    .store_sixteen_i8 = StoreSixteenOf<int8_t>,
    .store_sixteen_u8 = StoreSixteenOf<uint8_t>,
    .bytes16 = {Extreme<Bytes16, true, true>, Extreme<Bytes16, true, false>,
                Extreme<Bytes16, false, true>, Extreme<Bytes16, false, false>},
    .bytes32 = {Extreme<Bytes32, true, true>, Extreme<Bytes32, true, false>,
                Extreme<Bytes32, false, true>, Extreme<Bytes32, false, false>},
    .bytes16_xor = [](const void* a, const void* b,
                      void* out) { (Bytes16::Load(a) ^ Bytes16::Load(b)).Store(out); },
    .transpose_side = kTransposeSide,
    .transpose = [](const float* from, int64_t from_stride, float* to,
                    int64_t to_stride) { TransposeSquare(from, from_stride, to, to_stride); }};

}  // namespace
}  // namespace tersor::kernels
