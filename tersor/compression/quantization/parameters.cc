#include "tersor/compression/quantization/parameters.h"

#include <algorithm>
#include <cmath>

namespace tersor::compression {
namespace {

// Below this 1 / scale, and products of two scales, could leave the range of normal f32.
constexpr double kSmallestScale = 1e-18;

double ScaleOf(const Quantization& quantization, size_t slice) {
  return quantization.scales[quantization.scales.size() == 1 ? 0 : slice];
}

}  // namespace

Quantization ActivationParameters(const Range& range) {
  const double low = std::min(range.low, 0.0), high = std::max(range.high, 0.0);
  if (low == high) return {{1.0f}, {0}, -1};
  const double step = std::max((high - low) / 255, kSmallestScale);
  const double zero_point = std::clamp(std::round(-128 - low / step), -128.0, 127.0);
  // The rounded zero point moves both ends by up to half a step, and values that lie half-way
  // between two levels with them (pixels in [-1, 1] do, all of them): a step as much larger keeps
  // both ends inside, and spreads such values over the levels.
  const double below = zero_point + 128, above = 127 - zero_point;
  const double fitted = std::max(below > 0 ? -low / below : 0.0, above > 0 ? high / above : 0.0);
  return {{static_cast<float>(std::max(step, fitted))}, {static_cast<int32_t>(zero_point)}, -1};
}

Quantization WeightParameters(std::span<const float> weights, int64_t slices, bool per_channel) {
  const auto count = static_cast<size_t>(per_channel ? slices : 1);
  const size_t size = weights.size() / count;
  Quantization result;
  result.axis = per_channel ? 0 : -1;
  result.zero_points.assign(count, 0);
  result.scales.assign(count, 0);
  float largest = 0;
  for (size_t slice = 0; slice < count; ++slice) {
    float magnitude = 0;
    for (float w : weights.subspan(slice * size, size)) {
      magnitude = std::max(magnitude, std::fabs(w));
    }
    if (magnitude == 0) continue;
    result.scales[slice] =
        static_cast<float>(std::max(static_cast<double>(magnitude) / 127, kSmallestScale));
    largest = std::max(largest, result.scales[slice]);
  }
  for (float& scale : result.scales) {
    if (scale == 0) scale = largest == 0 ? 1.0f : largest;
  }
  return result;
}

std::vector<int8_t> QuantizeWeights(std::span<const float> weights, const Quantization& scales,
                                    int64_t slices) {
  const size_t size = weights.size() / static_cast<size_t>(slices);
  std::vector<int8_t> result(weights.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    const double q = std::nearbyint(weights[i] / ScaleOf(scales, i / size));
    result[i] = static_cast<int8_t>(std::clamp(q, -127.0, 127.0));
  }
  return result;
}

std::vector<int8_t> QuantizeValues(std::span<const float> values,
                                   const Quantization& quantization) {
  std::vector<int8_t> result(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const double q =
        std::nearbyint(values[i] / ScaleOf(quantization, 0)) + quantization.zero_points[0];
    result[i] = static_cast<int8_t>(std::clamp(q, -128.0, 127.0));
  }
  return result;
}

int FitBias(std::span<const double> bias, float input_scale, Quantization& weights) {
  int raised = 0;
  for (size_t i = 0; i < bias.size(); ++i) {
    float& scale = weights.scales[weights.scales.size() == 1 ? 0 : i];
    const double needed = std::fabs(bias[i]) / (input_scale * kMaxBias);
    if (scale >= needed) continue;
    scale = std::nextafter(static_cast<float>(needed), INFINITY);
    ++raised;
  }
  return raised;
}

std::vector<int32_t> QuantizeBias(std::span<const double> bias, float input_scale,
                                  const Quantization& weights) {
  std::vector<int32_t> result(bias.size());
  for (size_t i = 0; i < bias.size(); ++i) {
    const double q =
        std::nearbyint(bias[i] / (static_cast<double>(input_scale) * ScaleOf(weights, i)));
    result[i] = static_cast<int32_t>(std::clamp(q, -kMaxBias, kMaxBias));
  }
  return result;
}

}  // namespace tersor::compression
