// The scalar functions of the integer rule (docs/integer-arithmetic.md). They are its definition:
// references are written with them, SIMD variants are tested against them bit by bit.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "tersor/base/attributes.h"
#include "tersor/base/tensor.h"

namespace tersor::kernels {

/// Smallest and largest integer that a result may take.
struct IntegerRange {
  int32_t lo = 0;
  int32_t hi = 0;

  bool operator==(const IntegerRange&) const = default;
};

/// All of an 8- or 16-bit element type; i32 for any other.
inline IntegerRange RangeOf(DType dtype) {
  switch (dtype) {
    case DType::kI8:
      return {-128, 127};
    case DType::kU8:
      return {0, 255};
    case DType::kI16:
      return {-32768, 32767};
    default:
      return {INT32_MIN, INT32_MAX};
  }
}

/// Scale and zero point of a tensor quantized as a whole; 1 and 0 where it is not quantized.
inline float ScaleOf(const TensorType& type) {
  return type.quantization ? type.quantization->scales[0] : 1.0f;
}
inline int32_t ZeroPointOf(const TensorType& type) {
  return type.quantization ? type.quantization->zero_points[0] : 0;
}

/// True for one scale and one zero point over the whole tensor.
inline bool IsPerTensor(const TensorType& type) {
  return type.quantization && !type.quantization->per_channel() &&
         type.quantization->scales.size() == 1 && type.quantization->zero_points.size() == 1;
}

/// Half to even; what lies out of int32 goes to its nearest end, NaN to the smallest.
inline int32_t RoundHalfEven(float x) {
  const float r = std::nearbyint(x);
  if (r >= 2147483648.0f) return INT32_MAX;
  if (!(r >= -2147483648.0f)) return INT32_MIN;
  return static_cast<int32_t>(r);
}

/// Steps 3 and 4: clamp(rne(x) + zero_point, lo, hi).
inline int32_t RoundShiftClamp(float x, int32_t zero_point, IntegerRange range) {
  const int64_t q = int64_t{RoundHalfEven(x)} + zero_point;
  return static_cast<int32_t>(std::clamp<int64_t>(q, range.lo, range.hi));
}

/// Steps 2 to 4: clamp(rne(float(acc) * multiplier) + zero_point, lo, hi).
inline int32_t Requantize(int32_t acc, float multiplier, int32_t zero_point, IntegerRange range) {
  return RoundShiftClamp(static_cast<float>(acc) * multiplier, zero_point, range);
}

/// [lo, hi] of a result: its element type, narrowed by the activation fused into the operator.
inline IntegerRange ActivationRange(const TensorType& result, Activation activation) {
  IntegerRange range = RangeOf(result.dtype);
  const int32_t zero_point = ZeroPointOf(result);
  if (activation != Activation::kNone) range.lo = std::max(range.lo, zero_point);
  if (activation == Activation::kRelu6) {
    const auto six = static_cast<float>(6.0 / double{ScaleOf(result)});
    range.hi = RoundShiftClamp(six, zero_point, range);
  }
  return range;
}

/// conv2d, fully_connected, multiply: scale_a * scale_b / scale_out, in double, rounded to f32
/// last.
inline float ProductMultiplier(float scale_a, float scale_b, float scale_out) {
  return static_cast<float>(double{scale_a} * double{scale_b} / double{scale_out});
}

/// add, and quantize from integers: scale_in / scale_out, in double, rounded to f32 last.
inline float RescaleMultiplier(float scale_in, float scale_out) {
  return static_cast<float>(double{scale_in} / double{scale_out});
}

/// avg_pool2d, reduce_mean: scale_in / (scale_out * count), in double, rounded to f32 last.
inline float MeanMultiplier(float scale_in, float scale_out, int64_t count) {
  return static_cast<float>(double{scale_in} / (double{scale_out} * static_cast<double>(count)));
}

/// One element of add, from a - zero_a and b - zero_b and their rescale multipliers. Subtract:
/// the same with multiplier_b negated.
inline int32_t AddQuantized(int32_t a, float multiplier_a, int32_t b, float multiplier_b,
                            int32_t zero_point, IntegerRange range) {
  const float x = static_cast<float>(a) * multiplier_a;
  const float y = static_cast<float>(b) * multiplier_b;
  return RoundShiftClamp(x + y, zero_point, range);
}

/// Quantize from f32. `inverse_scale` is 1 / scale, rounded once to f32 (InverseScale).
inline float InverseScale(float scale) { return 1.0f / scale; }
inline int32_t QuantizeValue(float real, float inverse_scale, int32_t zero_point,
                             IntegerRange range) {
  return RoundShiftClamp(real * inverse_scale, zero_point, range);
}

inline float DequantizeValue(int32_t q, float scale, int32_t zero_point) {
  return scale * static_cast<float>(q - zero_point);
}

}  // namespace tersor::kernels
