// Applies Stages to vectors in registers.
#pragma once

#include "tersor/kernels/winograd_f32/stages.h"
#include "tersor/kernels/winograd_f32/vec-inl.h"

namespace tersor::kernels {
namespace {

/// `cells` values of one vector of channels. `offset(cell)` is the place of the cell's first
/// channel in the result, asked only where a residual is added; `count` the channels that exist.
template <int kCells, typename Offset>
TERSOR_INLINE void ApplyStages(const winograd_f32::Stages& stages, Vec (&cells)[kCells],
                               int64_t channel, int64_t count, const Offset& offset) {
  for (int s = 0; s < stages.count; ++s) {
    const winograd_f32::Stage& stage = stages.stages[s];
    if (stage.scale != nullptr) {
      const Vec scale = Load(stage.scale + channel);
      const Vec shift = stage.shift != nullptr ? Load(stage.shift + channel) : Zero();
      TERSOR_UNROLL for (int i = 0; i < kCells; ++i) cells[i] = MulAdd(cells[i], scale, shift);
    } else if (stage.shift != nullptr) {
      const Vec shift = Load(stage.shift + channel);
      TERSOR_UNROLL for (int i = 0; i < kCells; ++i) cells[i] = Add(cells[i], shift);
    }
    if (stage.residual != nullptr) {
      TERSOR_UNROLL for (int i = 0; i < kCells; ++i) {
        const int64_t place = offset(i);
        if (place >= 0) {
          cells[i] = Add(cells[i], LoadUpTo(stage.residual + place + channel, count));
        }
      }
    }
    if (stage.activation != Activation::kNone) {
      TERSOR_UNROLL for (int i = 0; i < kCells; ++i) cells[i] = Max(cells[i], Zero());
      if (stage.activation == Activation::kRelu6) {
        const Vec six = Broadcast(6.0f);
        TERSOR_UNROLL for (int i = 0; i < kCells; ++i) cells[i] = Min(cells[i], six);
      }
    }
  }
}

}  // namespace
}  // namespace tersor::kernels
