// What a convolution does to a sum before it stores it: bias, activation and fused followers.
#pragma once

#include "tersor/base/attributes.h"

namespace tersor::kernels::winograd_f32 {

/// y = activation(y * scale[channel] + shift[channel] + residual[position][channel]); a null part
/// is left out. `scale` and `shift` are readable for 16 floats past their channels; `residual`
/// has the shape of the (unpooled) result.
struct Stage {
  const float* scale = nullptr;
  const float* shift = nullptr;
  const float* residual = nullptr;
  Activation activation = Activation::kNone;
};

struct Stages {
  static constexpr int kMost = 6;
  int count = 0;
  bool max_pool = false;  ///< store the maximum over windows of 2x2 cells, step 2
  Stage stages[kMost];
};

}  // namespace tersor::kernels::winograd_f32
