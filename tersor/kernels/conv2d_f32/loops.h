// The arithmetic of one output row of an f32 convolution, as one instruction set provides it.
#pragma once

#include <cstdint>

#include "tersor/kernels/simd/stages.h"

namespace tersor::kernels::conv2d_f32 {

/// One output row of one group. Pixel p reads, for each filter row kh and run r,
/// `run_length` consecutive floats at rows[kh] + row_offset + r * run_stride + p * pixel_step. A
/// filter row is one run where its taps are neighbours in memory, else a run a tap.
struct DirectRow {
  const float* const* rows;
  int64_t row_offset;  ///< the group's first input channel
  int64_t kernel_h, runs, run_stride, run_length, pixel_step;
  int64_t pixels;
  const float* weights;  ///< see PackDirectFilter
  int64_t columns;       ///< output channels of the group
  const Stages* stages;
  int64_t channel;     ///< the group's first output channel, in the arrays of stages
  int64_t place;       ///< of the first pixel's channel 0 in the result, for a residual
  int64_t place_step;  ///< from a pixel to the next
  float* output;       ///< the group's first channel of the first pixel
  int64_t output_step;
};

/// One output row of a depthwise convolution. Pixel p reads tap (kh, kw) at rows[kh] + kw *
/// tap_step + p * pixel_step, all channels at once.
struct DepthwiseRow {
  const float* const* rows;
  int64_t kernel_h, kernel_w, tap_step, pixel_step;
  int64_t pixels, channels;
  const float* weights;  ///< [kernel_h * kernel_w][weights_step], readable for a whole vector
  int64_t weights_step;
  const Stages* stages;
  int64_t place;  ///< of the first pixel's channel 0 in the result, for a residual
  float* output;  ///< [pixels][channels]
};

struct Loops {
  int lanes;  ///< floats in a vector
  void (*row)(const DirectRow& row);
  void (*depthwise_row)(const DepthwiseRow& row);
  /// output[p][c] = the largest of above and below at pixels 2p and 2p + 1.
  void (*pool_rows)(const float* above, const float* below, int64_t pixels, int64_t channels,
                    float* output);
};

extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;

}  // namespace tersor::kernels::conv2d_f32
