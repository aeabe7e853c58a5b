// The makers of this family's rows, and what they have in common.
#pragma once

#include <memory>
#include <optional>

#include "tersor/kernels/conv2d_f32/geometry.h"
#include "tersor/kernels/kernel.h"

namespace tersor::kernels::conv2d_grad_input_f32 {

using conv2d_f32::Geometry;

/// Operands of Conv2dGradInput.
inline constexpr size_t kFilter = 0, kGradient = 1;

/// The forward convolution; nothing where the spec is not of this family.
std::optional<Geometry> ForwardGeometry(const KernelSpec& spec);

/// Null where the library has no such kernel.
std::unique_ptr<Kernel> MakeOneDnn(const KernelSpec& spec);

}  // namespace tersor::kernels::conv2d_grad_input_f32
