// The makers of this family's rows, and what they have in common.
#pragma once

#include <memory>
#include <optional>

#include "tersor/kernels/conv2d_f32/geometry.h"
#include "tersor/kernels/kernel.h"

namespace tersor::kernels::conv2d_grad_filter_f32 {

using conv2d_f32::Geometry;

/// Operands of Conv2dGradFilter.
inline constexpr size_t kInput = 0, kGradient = 1, kPaddingValue = 2;

/// The forward convolution; nothing where the spec is not of this family.
std::optional<Geometry> ForwardGeometry(const KernelSpec& spec);

/// The padding value of a call, or null.
inline const float* PaddingValueOf(const KernelCall& call) {
  return call.operands.size() > kPaddingValue ? call.operands[kPaddingValue].as<float>() : nullptr;
}

#define KERNEL(name, level, maker) std::unique_ptr<Kernel> maker(const KernelSpec& spec);
#include "tersor/kernels/conv2d_grad_filter_f32/kernels.inc"
#undef KERNEL

}  // namespace tersor::kernels::conv2d_grad_filter_f32
