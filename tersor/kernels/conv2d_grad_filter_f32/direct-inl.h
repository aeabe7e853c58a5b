// The arithmetic of direct.h at the including file's vector width.
#pragma once

#include "tersor/kernels/conv2d_grad_filter_f32/direct.h"
#include "tersor/kernels/winograd_f32/gemm-inl.h"

namespace tersor::kernels::conv2d_grad_filter_f32 {
namespace {

template <int kVectors, int kMostTaps>
void AddColumns(const OuterProducts& p, int64_t column) {
  const int64_t sum_row = (p.columns + kWidth - 1) / kWidth * kWidth;
  EvenBlocks(p.taps, kMostTaps, [&](int64_t tap, int count) {
    WithRows<kVectors, kMostTaps>(count, [&]<int kTaps, int kVecs>() TERSOR_LAMBDA {
      float* sum = p.sum + tap * sum_row + column;
      Vec acc[kTaps][kVecs];
      TERSOR_UNROLL for (int r = 0; r < kTaps; ++r) {
        TERSOR_UNROLL for (int j = 0; j < kVecs; ++j) {
          acc[r][j] = Load(sum + r * sum_row + j * kWidth);
        }
      }
      for (int64_t y = 0; y < p.rows; ++y) {
        MultiplyAdd<kTaps, kVecs, true>(acc, p.cells + y * p.cells_row + tap, p.cells_step,
                                        p.gradient + y * p.pixels * p.gradient_step + column,
                                        p.gradient_step, p.pixels);
      }
      TERSOR_UNROLL for (int r = 0; r < kTaps; ++r) {
        TERSOR_UNROLL for (int j = 0; j < kVecs; ++j) {
          Store(sum + r * sum_row + j * kWidth, acc[r][j]);
        }
      }
    });
  });
}

void AddOuterProducts(const OuterProducts& products) {
  for (int64_t column = 0; column < products.columns; column += 2 * kWidth) {
    if (products.columns - column > kWidth) {
      AddColumns<2, kRowsOfTwo>(products, column);
    } else {
      AddColumns<1, kRowsOfOne>(products, column);
    }
  }
}

constexpr DirectSimd kSimd = {kWidth, AddOuterProducts};

}  // namespace
}  // namespace tersor::kernels::conv2d_grad_filter_f32
