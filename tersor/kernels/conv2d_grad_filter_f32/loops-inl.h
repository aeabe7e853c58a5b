// The arithmetic of loops.h over the vector of the including file.
#pragma once

#include "tersor/kernels/conv2d_grad_filter_f32/loops.h"
#include "tersor/kernels/simd/gemm-inl.h"

namespace tersor::kernels::conv2d_grad_filter_f32 {
namespace {

template <int kVectors, int kMostTaps>
void AddColumns(const OuterProducts& p, int64_t column) {
  const int64_t sum_row = (p.columns + kLanes - 1) / kLanes * kLanes;
  EvenBlocks(p.taps, kMostTaps, [&](int64_t tap, int count) {
    WithRows<kVectors, kMostTaps>(count, [&]<int kTaps, int kVecs>() TERSOR_LAMBDA {
      float* sum = p.sum + tap * sum_row + column;
      F32 acc[kTaps][kVecs];
      TERSOR_UNROLL for (int r = 0; r < kTaps; ++r) {
        TERSOR_UNROLL for (int j = 0; j < kVecs; ++j) {
          acc[r][j] = F32::Load(sum + r * sum_row + j * kLanes);
        }
      }
      for (int64_t y = 0; y < p.rows; ++y) {
        AddProducts<kTaps, kVecs>(acc, p.cells + y * p.cells_row + tap, 1, p.cells_step,
                                  p.gradient + y * p.pixels * p.gradient_step + column,
                                  p.gradient_step, p.pixels);
      }
      TERSOR_UNROLL for (int r = 0; r < kTaps; ++r) {
        TERSOR_UNROLL for (int j = 0; j < kVecs; ++j) {
          acc[r][j].Store(sum + r * sum_row + j * kLanes);
        }
      }
    });
  });
}

void AddOuterProducts(const OuterProducts& products) {
  for (int64_t column = 0; column < products.columns; column += 2 * kLanes) {
    if (products.columns - column > kLanes) {
      AddColumns<2, kRowsOfTwo>(products, column);
    } else {
      AddColumns<1, kRowsOfOne>(products, column);
    }
  }
}

constexpr Loops kLoops = {kLanes, AddOuterProducts};

}  // namespace
}  // namespace tersor::kernels::conv2d_grad_filter_f32
