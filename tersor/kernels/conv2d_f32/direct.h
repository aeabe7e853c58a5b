// Direct convolution row by row: the packed filter, and the walk over rows that pads, shared with
// the gradients.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tersor/kernels/conv2d_f32/geometry.h"

namespace tersor::kernels::conv2d_f32 {

/// Floats of all groups' packed filters.
int64_t DirectFilterFloats(const Geometry& g, int lanes);

/// Weights for DirectRow: for each group and block of 2 * lanes columns (the last may be `lanes`),
/// weights[tap][column] with taps in the order kh, kw, i; columns that do not exist are 0. With
/// `flipped`, `filter` belongs to the convolution whose gradient g computes: [g.in_channels, KH,
/// KW, g.group_out()], turned by 180 degrees.
void PackDirectFilter(const Geometry& g, int lanes, const float* filter, bool flipped,
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
