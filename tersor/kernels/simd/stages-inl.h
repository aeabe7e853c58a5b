// Applies Stages to vectors in registers.
#pragma once

#include "tersor/kernels/simd/stages.h"
#include "tersor/kernels/simd/vector.h"

namespace tersor::kernels {
namespace {

/// `cells` values of one vector of channels. `offset(cell)` is the place of the cell's first
/// channel in the result, asked only where a residual is added; `count` the channels that exist.
template <int kCells, typename Offset>
TERSOR_INLINE void ApplyStages(const Stages& stages, F32 (&cells)[kCells], int64_t channel,
                               int64_t count, const Offset& offset) {
  for (int s = 0; s < stages.count; ++s) {
    const Stage& stage = stages.stages[s];
    if (stage.scale != nullptr) {
      const F32 scale = F32::Load(stage.scale + channel);
      const F32 shift = stage.shift != nullptr ? F32::Load(stage.shift + channel) : F32::Zero();
      TERSOR_UNROLL for (int i = 0; i < kCells; ++i) cells[i] = MultiplyAdd(cells[i], scale, shift);
    } else if (stage.shift != nullptr) {
      const F32 shift = F32::Load(stage.shift + channel);
      TERSOR_UNROLL for (int i = 0; i < kCells; ++i) cells[i] = cells[i] + shift;
    }
    if (stage.residual != nullptr) {
      TERSOR_UNROLL for (int i = 0; i < kCells; ++i) {
        const int64_t place = offset(i);
        if (place >= 0) {
          cells[i] = cells[i] + LoadUpTo(stage.residual + place + channel, count);
        }
      }
    }
    if (stage.activation != Activation::kNone) {
      TERSOR_UNROLL for (int i = 0; i < kCells; ++i) cells[i] = Max(cells[i], F32::Zero());
      if (stage.activation == Activation::kRelu6) {
        const F32 six = F32::Fill(6.0f);
        TERSOR_UNROLL for (int i = 0; i < kCells; ++i) cells[i] = Min(cells[i], six);
      }
    }
  }
}

}  // namespace
}  // namespace tersor::kernels
