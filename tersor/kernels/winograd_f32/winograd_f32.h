// Winograd's minimal filtering F(4x4, 3x3) for f32 convolutions of stride 1: the parts that the
// forward convolution and its two gradients share.
//
// An output tile Y of 4x4 cells comes from an input patch D of 6x6 cells and a filter g of 3x3 as
//   Y = A^T [ (G g G^T) .* (B^T D B) ] A                                     (36 products, not 144)
// and, for tiles that tile the whole image, the gradient of the filter is
//   dg = G^T [ sum over tiles (A dY A^T) .* (B^T D B) ] G.
// Summed over channels, the products of each of the 36 points are a matrix product over tiles.
//
// Points of interpolation: 0, +-3/4, +-3/2 and infinity. All constants of A and B are exact in f32,
// and with these points the error stays within about twice that of a direct convolution in f32
// (largest error over the largest output, 128 channels, normal inputs: 2.1e-6 against 1.3e-6; the
// usual points 0, +-1, +-2 give 1.0e-5). So no layer needs the smaller F(2x2, 3x3).
//
// Sources: Winograd, Arithmetic Complexity of Computations (1980); Lavin & Gray, Fast Algorithms
// for Convolutional Neural Networks (2016); Barabasz et al., Error Analysis and Improving the
// Accuracy of Winograd Convolution for Deep Neural Networks (2020).
//
// Layouts (all f32; W is Loops::lanes; padded(n) rounds n up to a multiple of W):
//   V, the transformed input:     v[point * v_point + tile * v_row + channel], v_row = padded(I)
//   U, the transformed filter:    u[point * I * padded(O)], then blocks of 2*W columns (the last
//                                 may be W), each u[channel * columns + column]
//   M, the products:              m[point * m_point + tile * m_row + column], m_row = padded(O)
//   dU, a filter gradient:        du[(point * rows + row) * padded(columns) + column]
// Tiles are numbered through the batch, row by row.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tersor/kernels/simd/stages.h"

namespace tersor {
class ThreadPool;
}

namespace tersor::kernels::winograd_f32 {

inline constexpr int kTile = 4;     ///< cells of an output tile along an axis
inline constexpr int kPatch = 6;    ///< cells of an input patch along an axis
inline constexpr int kPoints = 36;  ///< points of a transformed patch

/// A stride-1 convolution with a 3x3 filter. Padding below and to the right follows from the
/// output's size.
struct Layer {
  int64_t batch, height, width, channels;
  int64_t out_height, out_width, out_channels;
  int64_t pad_top, pad_left;

  int64_t tiles_y() const { return (out_height + kTile - 1) / kTile; }
  int64_t tiles_x() const { return (out_width + kTile - 1) / kTile; }
  int64_t tiles() const { return batch * tiles_y() * tiles_x(); }
};

/// A matrix per point: element (row, column) of point p is at data[p * point + row * row_stride +
/// column].
struct PointMatrix {
  float* data;
  int64_t point;
  int64_t row;
};

/// One instruction set's arithmetic.
struct Loops {
  int lanes;  ///< floats in a vector

  /// V for tiles [first, first + count). Cells outside of the image are `padding[channel]`.
  void (*transform_input)(const Layer& layer, const float* input, const float* padding,
                          int64_t first, int64_t count, PointMatrix v);
  /// U from a filter [O,3,3,I]. With `flipped`, of the convolution that carries gradients back:
  /// turned by 180 degrees, its channels O and its columns I.
  void (*transform_filter)(const float* filter, int64_t out_channels, int64_t in_channels,
                           bool flipped, float* u);
  /// M = V * U over `depth` channels, for `rows` tiles and the columns [column, column_end), both
  /// multiples of 2 * lanes except the end of all columns.
  void (*multiply)(PointMatrix v, const float* u, PointMatrix m, int64_t rows, int64_t depth,
                   int64_t columns, int64_t column, int64_t column_end);
  /// Y for tiles [first, first + count) and the channels [column, column_end), through `stages`,
  /// stored in the layer's output (or its 2x2 maxima).
  void (*transform_output)(const Layer& layer, PointMatrix m, int64_t first, int64_t count,
                           int64_t column, int64_t column_end, const Stages& stages, float* output);
};

/// What the gradient of the filter needs besides, apart so that inference can be linked without.
struct GradientLoops {
  const Loops& forward;  ///< of the same instruction set
  /// A dY A^T for tiles [first, first + count) of an image of the output's shape. `zeros` are as
  /// many as the output has channels.
  void (*transform_gradient)(const Layer& layer, const float* gradient, const float* zeros,
                             int64_t first, int64_t count, PointMatrix dm);
  /// dU += left^T * right over `tiles` rows, or dU = where `first`: rows of dU are the columns of
  /// `left`, its columns those of `right` padded to whole vectors.
  void (*accumulate)(PointMatrix left, PointMatrix right, int64_t tiles, int64_t rows,
                     int64_t columns, bool first, float* du);
  /// The filter gradient [O,3,3,I] from dU, whose rows are O and columns I; `transposed`: the
  /// reverse.
  void (*finish_filter_gradient)(const float* du, int64_t out_channels, int64_t in_channels,
                                 bool transposed, float* filter_gradient);
};

/// Of CpuLevel::kAvx2 and kAvx512.
extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;
extern const GradientLoops kAvx2GradientLoops;
extern const GradientLoops kAvx512GradientLoops;

inline int64_t RoundUp(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

/// Floats of U.
inline int64_t FilterFloats(const Loops& loops, int64_t depth, int64_t columns) {
  return kPoints * depth * RoundUp(columns, loops.lanes);
}

/// How a convolution is cut: each worker has tiles or columns of its own, and goes through its
/// tiles in blocks whose V and M stay in the second-level cache.
struct ConvolutionPlan {
  int workers = 1;
  bool split_columns = false;
  int64_t block_tiles = 0;
  size_t scratch_bytes = 0;  ///< of all workers
};

ConvolutionPlan PlanConvolution(const Loops& loops, const Layer& layer, int threads);

/// Output = stages(layer(input) with the filter in `u`). `padding` has the layer's channels.
/// The result does not depend on the plan.
void RunConvolution(const Loops& loops, const Layer& layer, const ConvolutionPlan& plan,
                    const float* input, const float* padding, const float* u, const Stages& stages,
                    float* output, void* scratch, ThreadPool& pool);

}  // namespace tersor::kernels::winograd_f32
