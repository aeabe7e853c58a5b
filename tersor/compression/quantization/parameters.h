// Scales, zero points and rounded weights: the arithmetic of quantization, apart from any graph.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/compression/quantization/histogram.h"

namespace tersor::compression {

/// i8 parameters that cover a range, widened to hold 0, which has an integer of its own:
/// scale = (high - low) / 255, zero_point = -128 - low / scale rounded half away from zero.
/// An empty range gives scale 1, zero point 0. The scale is never so small that 1 / scale
/// overflows.
Quantization ActivationParameters(const Range& range);

/// The scales of i8 weights that are symmetric around 0, [-127, 127] without -128: one for each
/// slice along axis 0, or one in all, largest magnitude / 127. A slice of zeros takes the largest
/// scale of the others (1 if there is none).
Quantization WeightParameters(std::span<const float> weights, int64_t slices, bool per_channel);

/// clamp(rne(x / scale), -127, 127), in double.
std::vector<int8_t> QuantizeWeights(std::span<const float> weights, const Quantization& scales,
                                    int64_t slices);

/// clamp(rne(x / scale) + zero_point, -128, 127), in double.
std::vector<int8_t> QuantizeValues(std::span<const float> values, const Quantization& quantization);

/// Magnitude that an i32 bias may have, which leaves as much for the sum that it is added to.
inline constexpr double kMaxBias = 1 << 30;

/// Raises weight scales until every bias / (input_scale * weight_scale) is at most kMaxBias.
/// Returns in how many slices that was needed.
int FitBias(std::span<const double> bias, float input_scale, Quantization& weights);

/// rne(bias / (input_scale * weight_scale)), in double.
std::vector<int32_t> QuantizeBias(std::span<const double> bias, float input_scale,
                                  const Quantization& weights);

}  // namespace tersor::compression
