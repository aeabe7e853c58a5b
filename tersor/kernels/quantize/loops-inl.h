// The loops of loops.h over the vector of the including file.
#pragma once

#include <cstring>

#include "tersor/kernels/quantize/loops.h"
#include "tersor/kernels/simd/vector.h"

namespace tersor::kernels::quantize {
namespace {

template <typename T>
void QuantizeBlock(const float* in, T* out, F32 inverse_scale, const Narrow<T>& narrow) {
  // Far outside of 16 bits is far outside of the result: the bound keeps the conversion to i32
  // defined, and turns NaN into the smallest result.
  const F32 least = F32::Fill(-1e6f), most = F32::Fill(1e6f);
  I32 q[4];
  TERSOR_UNROLL
  for (int k = 0; k < 4; ++k) {
    const F32 x = F32::Load(in + k * kLanes) * inverse_scale;
    q[k] = ToInt(Min(Max(x, least), most));
  }
  narrow.Store(out, q);
}

template <typename T>
void Quantize(const float* in, T* out, int64_t count, float inverse_scale, int32_t zero_point) {
  const Narrow<T> narrow(zero_point, kIsSigned<T> ? -128 : 0, kIsSigned<T> ? 127 : 255);
  const F32 inverse = F32::Fill(inverse_scale);
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
  const F32 factor = F32::Fill(scale);
  const I32 zero = I32::Fill(zero_point);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) (ToFloat(Widen(in + i) - zero) * factor).Store(out + i);
  if (i == count) return;
  T tail[kLanes] = {};
  std::memcpy(tail, in + i, static_cast<size_t>(count - i));
  (ToFloat(Widen(tail) - zero) * factor).StorePart(out + i, static_cast<int>(count - i));
}

constexpr Loops kLoops = {Quantize<int8_t>, Quantize<uint8_t>, Dequantize<int8_t>,
                          Dequantize<uint8_t>};

}  // namespace
}  // namespace tersor::kernels::quantize
