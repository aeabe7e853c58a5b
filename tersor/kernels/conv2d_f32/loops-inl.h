// The arithmetic of loops.h over the vector of the including file.
#pragma once

#include "tersor/kernels/conv2d_f32/loops.h"
#include "tersor/kernels/simd/gemm-inl.h"
#include "tersor/kernels/simd/stages-inl.h"

namespace tersor::kernels::conv2d_f32 {
namespace {

/// kRows pixels from `pixel` on, kVectors vectors of channels from `column` on.
template <int kRows, int kVectors>
TERSOR_INLINE void DirectBlock(const DirectRow& row, int64_t pixel, int64_t column,
                               const float* weights) {
  F32 acc[kRows][kVectors];
  TERSOR_UNROLL for (int r = 0; r < kRows; ++r) {
    TERSOR_UNROLL for (int j = 0; j < kVectors; ++j) acc[r][j] = F32::Zero();
  }
  for (int64_t kh = 0; kh < row.kernel_h; ++kh) {
    const float* cells = row.rows[kh] + row.row_offset + pixel * row.pixel_step;
    for (int64_t run = 0; run < row.runs; ++run) {
      AddProducts<kRows, kVectors>(acc, cells + run * row.run_stride, row.pixel_step, 1, weights,
                                   kVectors * kLanes, row.run_length);
      weights += row.run_length * kVectors * kLanes;
    }
  }
  TERSOR_UNROLL for (int j = 0; j < kVectors; ++j) {
    F32 cells[kRows];
    TERSOR_UNROLL for (int r = 0; r < kRows; ++r) cells[r] = acc[r][j];
    const int64_t c = column + j * kLanes;
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
  for (int64_t column = 0; column < row.columns; column += 2 * kLanes) {
    const float* weights = row.weights + column * depth;
    if (row.columns - column > kLanes) {
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
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int64_t count = channels - c;
      const F32 largest = Max(Max(LoadUpTo(a + c, count), LoadUpTo(a + channels + c, count)),
                              Max(LoadUpTo(b + c, count), LoadUpTo(b + channels + c, count)));
      StoreUpTo(output + p * channels + c, count, largest);
    }
  }
}

constexpr int kDepthwisePixels = 8;

/// kPixels pixels from `pixel` on, one vector of channels.
template <int kPixels, bool kWhole>
TERSOR_INLINE void DepthwiseBlock(const DepthwiseRow& row, int64_t pixel, int64_t channel) {
  const int64_t count = row.channels - channel;
  F32 acc[kPixels];
  TERSOR_UNROLL for (int p = 0; p < kPixels; ++p) acc[p] = F32::Zero();
  const float* weights = row.weights + channel;
  for (int64_t kh = 0; kh < row.kernel_h; ++kh) {
    const float* cells = row.rows[kh] + pixel * row.pixel_step + channel;
    for (int64_t kw = 0; kw < row.kernel_w; ++kw) {
      const F32 weight = F32::Load(weights);
      TERSOR_UNROLL for (int p = 0; p < kPixels; ++p) {
        const float* cell = cells + p * row.pixel_step;
        acc[p] = MultiplyAdd(kWhole ? F32::Load(cell) : F32::LoadPart(cell, count), weight, acc[p]);
      }
      weights += row.weights_step;
      cells += row.tap_step;
    }
  }
  ApplyStages(*row.stages, acc, channel, count,
              [&](int p) TERSOR_LAMBDA { return row.place + (pixel + p) * row.channels; });
  float* to = row.output + pixel * row.channels + channel;
  TERSOR_UNROLL for (int p = 0; p < kPixels; ++p) {
    if constexpr (kWhole) {
      acc[p].Store(to + p * row.channels);
    } else {
      acc[p].StorePart(to + p * row.channels, count);
    }
  }
}

template <bool kWhole>
void DepthwiseColumn(const DepthwiseRow& row, int64_t channel) {
  EvenBlocks(row.pixels, kDepthwisePixels, [&](int64_t pixel, int count) {
    WithRows<1, kDepthwisePixels>(count, [&]<int kPixels, int kVectors>() TERSOR_LAMBDA {
      DepthwiseBlock<kPixels, kWhole>(row, pixel, channel);
    });
  });
}

void ComputeDepthwiseRow(const DepthwiseRow& row) {
  int64_t channel = 0;
  for (; channel + kLanes <= row.channels; channel += kLanes) DepthwiseColumn<true>(row, channel);
  if (channel < row.channels) DepthwiseColumn<false>(row, channel);
}

constexpr Loops kLoops = {kLanes, ComputeRow, ComputeDepthwiseRow, PoolRows};

}  // namespace
}  // namespace tersor::kernels::conv2d_f32
