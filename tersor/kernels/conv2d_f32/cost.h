// Estimated times of the ways to convolve, in one place: they decide which row takes a case.
#pragma once

#include <algorithm>

#include "tersor/kernels/conv2d_f32/geometry.h"
#include "tersor/kernels/winograd_f32/winograd_f32.h"

namespace tersor::kernels::conv2d_f32 {

/// Whether F(4x4, 3x3) is expected to take less time than a direct convolution, on a machine with
/// vectors of `width` floats. In units of one vector multiply-add of a register-blocked product:
/// transforms cost per tile and vector of channels, whatever the number of channels on the other
/// side, so few channels or images smaller than a tile favour the direct way.
inline bool PrefersWinograd(const Geometry& g, int width) {
  if (!g.Is3x3Stride1()) return false;
  constexpr double kInputTransform = 130, kOutputTransform = 130, kDirectOverhead = 1.15;
  const auto vectors = [&](int64_t channels) {
    return static_cast<double>((channels + width - 1) / width);
  };
  const int64_t tiles_y = (g.out_height + winograd_f32::kTile - 1) / winograd_f32::kTile;
  const int64_t tiles_x = (g.out_width + winograd_f32::kTile - 1) / winograd_f32::kTile;
  const double in = static_cast<double>(g.in_channels);
  const double winograd =
      static_cast<double>(tiles_y * tiles_x) *
      (kInputTransform * vectors(g.in_channels) + kOutputTransform * vectors(g.out_channels) +
       winograd_f32::kPoints * in * vectors(g.out_channels));
  const double direct = kDirectOverhead * static_cast<double>(g.out_height * g.out_width) * 9 * in *
                        vectors(g.out_channels);
  return winograd < direct;
}

/// The same for the gradient of the filter.
inline bool PrefersWinogradGradFilter(const Geometry& g, int width) {
  if (!g.Is3x3Stride1()) return false;
  constexpr double kInputTransform = 130, kGradientTransform = 110, kDirectOverhead = 1.15;
  const auto vectors = [&](int64_t channels) {
    return static_cast<double>((channels + width - 1) / width);
  };
  const int64_t tiles_y = (g.out_height + winograd_f32::kTile - 1) / winograd_f32::kTile;
  const int64_t tiles_x = (g.out_width + winograd_f32::kTile - 1) / winograd_f32::kTile;
  const double in = static_cast<double>(g.in_channels);
  const double out = static_cast<double>(g.out_channels);
  const double products = std::min(in * vectors(g.out_channels), out * vectors(g.in_channels));
  const double winograd =
      static_cast<double>(tiles_y * tiles_x) *
      (kInputTransform * vectors(g.in_channels) + kGradientTransform * vectors(g.out_channels) +
       winograd_f32::kPoints * products);
  const double direct = kDirectOverhead * static_cast<double>(g.out_height * g.out_width) * 9 * in *
                        vectors(g.out_channels);
  return winograd < direct;
}

}  // namespace tersor::kernels::conv2d_f32
