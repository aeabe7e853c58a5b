// Direct convolution row by row: the arithmetic of one output row, and the walk over rows that
// pads, shared with the gradients.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tersor/kernels/conv2d_f32/geometry.h"
#include "tersor/kernels/winograd_f32/stages.h"

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
  const winograd_f32::Stages* stages;
  int64_t channel;     ///< the group's first output channel, in the arrays of stages
  int64_t place;       ///< of the first pixel's channel 0 in the result, for a residual
  int64_t place_step;  ///< from a pixel to the next
  float* output;       ///< the group's first channel of the first pixel
  int64_t output_step;
};

/// One instruction set's arithmetic.
struct DirectSimd {
  int width;  ///< floats in a vector
  void (*row)(const DirectRow& row);
  /// output[p][c] = the largest of above and below at pixels 2p and 2p + 1.
  void (*pool_rows)(const float* above, const float* below, int64_t pixels, int64_t channels,
                    float* output);
};

extern const DirectSimd kAvx2DirectSimd;
extern const DirectSimd kAvx512DirectSimd;

/// Floats of all groups' packed filters.
int64_t DirectFilterFloats(const Geometry& g, int width);

/// Weights for DirectRow: for each group and block of 2 * width columns (the last may be `width`),
/// weights[tap][column] with taps in the order kh, kw, i; columns that do not exist are 0. With
/// `flipped`, `filter` belongs to the convolution whose gradient g computes: [g.in_channels, KH,
/// KW, g.group_out()], turned by 180 degrees.
void PackDirectFilter(const Geometry& g, int width, const float* filter, bool flipped,
                      float* packed);

/// Gives the input rows of one output row after another, padded as far as the geometry needs it.
/// Rows that need no padding are given where they lie; others are copied once and kept while they
/// are in reach. One a thread; its memory is Bytes(g) of scratch.
class PaddedRows {
 public:
  /// `padding_value` is null (zeros) or one value a channel; `memory` lies on a 64-byte border.
  PaddedRows(const Geometry& g, const float* input, const float* padding_value, void* memory);
  static size_t Bytes(const Geometry& g);

  /// kernel_h pointers to the cells that output row y of example n reads from its first pixel on.
  const float* const* Rows(int64_t n, int64_t y);

 private:
  static int64_t Slots(const Geometry& g);
  static int64_t RowFloats(const Geometry& g);

  const Geometry& g_;
  const float* input_;
  int64_t slots_, row_floats_;
  const float** rows_;
  int64_t* tags_;
  float* padding_row_;
  float* copies_;
};

}  // namespace tersor::kernels::conv2d_f32
