// The arithmetic of depthwise.h at the including file's vector width.
#pragma once

#include "tersor/kernels/conv2d_f32/depthwise.h"
#include "tersor/kernels/winograd_f32/gemm-inl.h"
#include "tersor/kernels/winograd_f32/stages-inl.h"

namespace tersor::kernels::conv2d_f32 {
namespace {

constexpr int kDepthwisePixels = 8;

/// kPixels pixels from `pixel` on, one vector of channels.
template <int kPixels, bool kWhole>
TERSOR_INLINE void DepthwiseBlock(const DepthwiseRow& row, int64_t pixel, int64_t channel) {
  const int64_t count = row.channels - channel;
  Vec acc[kPixels];
  TERSOR_UNROLL for (int p = 0; p < kPixels; ++p) acc[p] = Zero();
  const float* weights = row.weights + channel;
  for (int64_t kh = 0; kh < row.kernel_h; ++kh) {
    const float* cells = row.rows[kh] + pixel * row.pixel_step + channel;
    for (int64_t kw = 0; kw < row.kernel_w; ++kw) {
      const Vec weight = Load(weights);
      TERSOR_UNROLL for (int p = 0; p < kPixels; ++p) {
        const float* cell = cells + p * row.pixel_step;
        acc[p] = MulAdd(kWhole ? Load(cell) : LoadPartial(cell, count), weight, acc[p]);
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
      Store(to + p * row.channels, acc[p]);
    } else {
      StorePartial(to + p * row.channels, count, acc[p]);
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
  for (; channel + kWidth <= row.channels; channel += kWidth) DepthwiseColumn<true>(row, channel);
  if (channel < row.channels) DepthwiseColumn<false>(row, channel);
}

constexpr DepthwiseSimd kDepthwiseSimd = {kWidth, ComputeDepthwiseRow};

}  // namespace
}  // namespace tersor::kernels::conv2d_f32
