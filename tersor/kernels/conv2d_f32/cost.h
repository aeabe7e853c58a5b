// Estimated times of the ways to convolve, in one place: they decide which row takes a case.
//
// In cycles, as measured on Zen 3 with AVX2; wider vectors shift all terms alike. A transform costs
// per tile and vector of channels, whatever the number of channels on the other side, so few
// channels, or images smaller than a tile, favour the direct way.
#pragma once

#include <algorithm>

#include "tersor/kernels/conv2d_f32/geometry.h"
#include "tersor/kernels/winograd_f32/winograd_f32.h"

namespace tersor::kernels::conv2d_f32 {

/// The terms of the estimates for one geometry and vector width.
class ConvolutionCost {
 public:
  ConvolutionCost(const Geometry& g, int width)
      : g_(g),
        width_(width),
        tiles_(static_cast<double>(
            g.batch * ((g.out_height + winograd_f32::kTile - 1) / winograd_f32::kTile) *
            ((g.out_width + winograd_f32::kTile - 1) / winograd_f32::kTile))),
        pixels_(static_cast<double>(g.batch * g.out_height * g.out_width)) {}

  double Winograd() const {
    const double in = static_cast<double>(g_.in_channels), out_vectors = Vectors(g_.out_channels);
    const double products = winograd_f32::kPoints * out_vectors * (Product() * in + kStore);
    return kWinogradCall +
           tiles_ * (kInputTransform * Vectors(g_.in_channels) + Partial(g_.in_channels) +
                     kOutputTransform * out_vectors + Partial(g_.out_channels) + products);
  }
  double Direct() const {
    const double taps = static_cast<double>(9 * g_.in_channels);
    return static_cast<double>(g_.batch * g_.out_height) * kDirectRow +
           pixels_ * Vectors(g_.out_channels) * (Product() * taps + 2 * kStore);
  }
  double WinogradGradFilter() const {
    const double in = static_cast<double>(g_.in_channels);
    const double out = static_cast<double>(g_.out_channels);
    const double products = std::min(in * Vectors(g_.out_channels), out * Vectors(g_.in_channels));
    return tiles_ * (kInputTransform * Vectors(g_.in_channels) + Partial(g_.in_channels) +
                     kGradientTransform * Vectors(g_.out_channels) + Partial(g_.out_channels) +
                     winograd_f32::kPoints * kProductOfTwo * products);
  }
  double DirectGradFilter() const {
    return pixels_ * Vectors(g_.out_channels) * Product() * static_cast<double>(9 * g_.in_channels);
  }

 private:
  static constexpr double kInputTransform = 150, kOutputTransform = 135, kGradientTransform = 130;
  static constexpr double kPartialVector = 60;  ///< more for channels that do not fill a vector
  static constexpr double kStore = 1.7;         ///< for each vector that a product stores
  static constexpr double kWinogradCall = 600, kDirectRow = 120;
  /// A vector multiply-add in blocks of two vectors, or of one, which loads bind.
  static constexpr double kProductOfTwo = 0.53, kProductOfOne = 0.63;

  double Vectors(int64_t channels) const {
    return static_cast<double>((channels + width_ - 1) / width_);
  }
  double Partial(int64_t channels) const { return channels % width_ != 0 ? kPartialVector : 0; }
  double Product() const { return g_.out_channels > width_ ? kProductOfTwo : kProductOfOne; }

  const Geometry& g_;
  const int width_;
  const double tiles_, pixels_;
};

/// Whether F(4x4, 3x3) is expected to take less time than a direct convolution.
inline bool PrefersWinograd(const Geometry& g, int width) {
  const ConvolutionCost cost(g, width);
  return g.Is3x3Stride1() && cost.Winograd() < cost.Direct();
}

/// The same for the gradient of the filter.
inline bool PrefersWinogradGradFilter(const Geometry& g, int width) {
  const ConvolutionCost cost(g, width);
  return g.Is3x3Stride1() && cost.WinogradGradFilter() < cost.DirectGradFilter();
}

}  // namespace tersor::kernels::conv2d_f32
