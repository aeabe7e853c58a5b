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
  const ActivationBounds bounds = BoundsOf(activation);
  const auto place = [&](float bound) {
    const auto steps = static_cast<float>(double{bound} / double{ScaleOf(result)});
    return RoundShiftClamp(steps, zero_point, RangeOf(result.dtype));
  };
  if (std::isfinite(bounds.low)) range.lo = place(bounds.low);
  if (std::isfinite(bounds.high)) range.hi = place(bounds.high);
  return range;
}

/// conv2d, fully_connected, multiply: (scale_a * scale_b) / scale_out, each rounded to f32.
inline float ProductMultiplier(float scale_a, float scale_b, float scale_out) {
  return scale_a * scale_b / scale_out;
}

/// quantize from integers: scale_in / scale_out, in double, rounded to f32 last.
inline float RescaleMultiplier(float scale_in, float scale_out) {
  return static_cast<float>(double{scale_in} / double{scale_out});
}

/// For reduce_mean, reduce_sum and avg_pool2d: turns a sum of integers into the integer of the
/// result, clamp(rne(float(sum) * multiplier + offset), lo, hi). The input's zero point is not
/// subtracted before the integers are summed: `offset` takes it into account. The conversion, the
/// product and the addition are each rounded to f32.
struct MeanRescale {
  float multiplier, offset;

  int32_t Apply(int32_t sum, IntegerRange range) const {
    return RoundShiftClamp(static_cast<float>(sum) * multiplier + offset, 0, range);
  }
};

/// The constants of a sum of `count` integers that is divided by `divisor` (1 for reduce_sum). The
/// operations are done in the order in which they are written here, and each is rounded to f32.
[[gnu::always_inline]] inline MeanRescale MakeMeanRescale(float scale_in, int32_t zero_in,
                                                          float scale_out, int32_t zero_out,
                                                          int64_t count, int64_t divisor) {
  const float multiplier = scale_in / scale_out * (1.0f / static_cast<float>(divisor));
  const float zeros = static_cast<float>(zero_in * count) * multiplier;
  return {multiplier, static_cast<float>(zero_out) - zeros};
}

/// avg_pool2d where the scale stays: the mean of the integers themselves, rounded half away from
/// zero.
inline int32_t MeanHalfAway(int64_t sum, int64_t count) {
  return static_cast<int32_t>((sum >= 0 ? sum + count / 2 : sum - count / 2) / count);
}

/// Fixed-point factors of add and subtract: round(ratio * 2^shift), with 20 fraction bits below the
/// leading bit of the larger ratio. So (q - zero) * factor of 8-bit operands, their sum and the
/// rounding stay in int32.
struct AddFactors {
  int32_t a = 0, b = 0;  ///< b is negative for subtract
  int shift = 0;         ///< 13 to 30
  int32_t rounding() const { return int32_t{1} << (shift - 1); }
};

inline AddFactors MakeAddFactors(float scale_a, float scale_b, float scale_out, bool subtract) {
  constexpr float kLargestRatio = 255.9999f;
  const float a = std::min(scale_a / scale_out, kLargestRatio);
  const float b = std::min(scale_b / scale_out, kLargestRatio);
  const float larger = std::max(a, b);
  const int exponent = larger > 0 ? std::clamp(std::ilogb(larger), -10, 7) : -10;
  AddFactors factors;
  factors.shift = 20 - exponent;
  factors.a = static_cast<int32_t>(std::nearbyint(std::ldexp(a, factors.shift)));
  factors.b = static_cast<int32_t>(std::nearbyint(std::ldexp(b, factors.shift)));
  if (subtract) factors.b = -factors.b;
  return factors;
}

/// One element of add or subtract, from a - zero_a and b - zero_b.
inline int32_t AddQuantized(int32_t a, int32_t b, const AddFactors& factors, int32_t zero_point,
                            IntegerRange range) {
  const int64_t acc = int64_t{a} * factors.a + int64_t{b} * factors.b + factors.rounding();
  return static_cast<int32_t>(
      std::clamp<int64_t>((acc >> factors.shift) + zero_point, range.lo, range.hi));
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
