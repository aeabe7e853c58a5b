// The loops of loops.h over the vector of the including file. Only for x86_avx2.cc and
// x86_avx512.cc.
#pragma once

#include "tersor/kernels/quantize/loops.h"
#include "tersor/kernels/simd/x86_bytes.h"

namespace tersor::kernels::quantize {
namespace {

constexpr int kW = Vector::kLanes;

template <typename T>
void QuantizeBlock(const float* in, T* out, Vector inverse_scale, const Narrow<T>& narrow) {
  // Far outside of 16 bits is far outside of the result: the bound keeps the conversion to i32
  // defined, and turns NaN into the smallest result.
  const Vector least = Vector::Fill(-1e6f), most = Vector::Fill(1e6f);
  VectorI q[4];
  TERSOR_UNROLL
  for (int k = 0; k < 4; ++k) {
    const Vector x = Vector::Load(in + k * kW) * inverse_scale;
    q[k] = ToInt(Vector::Min(Vector::Max(x, least), most));
  }
  narrow.Store(out, q[0], q[1], q[2], q[3]);
}

template <typename T>
void Quantize(const float* in, T* out, int64_t count, float inverse_scale, int32_t zero_point) {
  constexpr bool kSigned = static_cast<T>(-1) < 0;
  const Narrow<T> narrow(zero_point, kSigned ? -128 : 0, kSigned ? 127 : 255);
  const Vector inverse = Vector::Fill(inverse_scale);
  int64_t i = 0;
  for (; i + kBlock <= count; i += kBlock) QuantizeBlock(in + i, out + i, inverse, narrow);
  if (i == count) return;
  float tail[kBlock] = {};
  T bytes[kBlock];
  std::memcpy(tail, in + i, static_cast<size_t>(count - i) * sizeof(float));
  QuantizeBlock(tail, bytes, inverse, narrow);
  std::memcpy(out + i, bytes, static_cast<size_t>(count - i));
}

template <typename T>
void Dequantize(const T* in, float* out, int64_t count, float scale, int32_t zero_point) {
  const Vector factor = Vector::Fill(scale);
  const VectorI zero = SetI(zero_point);
  int64_t i = 0;
  for (; i + kW <= count; i += kW) (ToFloat(Widen(in + i) - zero) * factor).Store(out + i);
  if (i == count) return;
  T tail[kW] = {};
  std::memcpy(tail, in + i, static_cast<size_t>(count - i));
  (ToFloat(Widen(tail) - zero) * factor).StorePart(out + i, static_cast<int>(count - i));
}

constexpr Loops kLoops = {Quantize<int8_t>, Quantize<uint8_t>, Dequantize<int8_t>,
                          Dequantize<uint8_t>};

}  // namespace
}  // namespace tersor::kernels::quantize
