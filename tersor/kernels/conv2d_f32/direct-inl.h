// The arithmetic of direct.h at the including file's vector width.
#pragma once

#include "tersor/kernels/conv2d_f32/direct.h"
#include "tersor/kernels/winograd_f32/gemm-inl.h"
#include "tersor/kernels/winograd_f32/stages-inl.h"

namespace tersor::kernels::conv2d_f32 {
namespace {

/// kRows pixels from `pixel` on, kVectors vectors of channels from `column` on.
template <int kRows, int kVectors>
TERSOR_INLINE void DirectBlock(const DirectRow& row, int64_t pixel, int64_t column,
                               const float* weights) {
  Vec acc[kRows][kVectors];
  TERSOR_UNROLL for (int r = 0; r < kRows; ++r) {
    TERSOR_UNROLL for (int j = 0; j < kVectors; ++j) acc[r][j] = Zero();
  }
  for (int64_t kh = 0; kh < row.kernel_h; ++kh) {
    const float* cells = row.rows[kh] + row.row_offset + pixel * row.pixel_step;
    for (int64_t run = 0; run < row.runs; ++run) {
      MultiplyAdd<kRows, kVectors, false>(acc, cells + run * row.run_stride, row.pixel_step,
                                          weights, kVectors * kWidth, row.run_length);
      weights += row.run_length * kVectors * kWidth;
    }
  }
  TERSOR_UNROLL for (int j = 0; j < kVectors; ++j) {
    Vec cells[kRows];
    TERSOR_UNROLL for (int r = 0; r < kRows; ++r) cells[r] = acc[r][j];
    const int64_t c = column + j * kWidth;
    const int64_t count = row.columns - c;
    ApplyStages(*row.stages, cells, row.channel + c, count,
                [&](int r) TERSOR_LAMBDA { return row.place + (pixel + r) * row.place_step; });
    float* to = row.output + pixel * row.output_step + c;
    TERSOR_UNROLL for (int r = 0; r < kRows; ++r)
        StoreUpTo(to + r * row.output_step, count, cells[r]);
  }
}

template <int kVectors, int kMostRows>
void DirectColumns(const DirectRow& row, int64_t column, const float* weights) {
  EvenBlocks(row.pixels, kMostRows, [&](int64_t pixel, int count) {
    WithRows<kVectors, kMostRows>(count, [&]<int kRows, int kVecs>() TERSOR_LAMBDA {
      DirectBlock<kRows, kVecs>(row, pixel, column, weights);
    });
  });
}

void ComputeRow(const DirectRow& row) {
  const int64_t depth = row.kernel_h * row.runs * row.run_length;
  for (int64_t column = 0; column < row.columns; column += 2 * kWidth) {
    const float* weights = row.weights + column * depth;
    if (row.columns - column > kWidth) {
      DirectColumns<2, kRowsOfTwo>(row, column, weights);
    } else {
      DirectColumns<1, kRowsOfOne>(row, column, weights);
    }
  }
}

void PoolRows(const float* above, const float* below, int64_t pixels, int64_t channels,
              float* output) {
  for (int64_t p = 0; p < pixels; ++p) {
    const float* a = above + 2 * p * channels;
    const float* b = below + 2 * p * channels;
    for (int64_t c = 0; c < channels; c += kWidth) {
      const int64_t count = channels - c;
      const Vec largest = Max(Max(LoadUpTo(a + c, count), LoadUpTo(a + channels + c, count)),
                              Max(LoadUpTo(b + c, count), LoadUpTo(b + channels + c, count)));
      StoreUpTo(output + p * channels + c, count, largest);
    }
  }
}

constexpr DirectSimd kDirectSimd = {kWidth, ComputeRow, PoolRows};

}  // namespace
}  // namespace tersor::kernels::conv2d_f32
