// Depthwise convolution row by row: the arithmetic of one output row.
#pragma once

#include <cstdint>

#include "tersor/kernels/winograd_f32/stages.h"

namespace tersor::kernels::conv2d_f32 {

/// One output row. Pixel p reads tap (kh, kw) at rows[kh] + kw * tap_step + p * pixel_step, all
/// channels at once.
struct DepthwiseRow {
  const float* const* rows;
  int64_t kernel_h, kernel_w, tap_step, pixel_step;
  int64_t pixels, channels;
  const float* weights;  ///< [kernel_h * kernel_w][weights_step], readable for a whole vector
  int64_t weights_step;
  const winograd_f32::Stages* stages;
  int64_t place;  ///< of the first pixel's channel 0 in the result, for a residual
  float* output;  ///< [pixels][channels]
};

/// One instruction set's arithmetic.
struct DepthwiseSimd {
  int width;  ///< floats in a vector
  void (*row)(const DepthwiseRow& row);
};

extern const DepthwiseSimd kAvx2DepthwiseSimd;
extern const DepthwiseSimd kAvx512DepthwiseSimd;

}  // namespace tersor::kernels::conv2d_f32
