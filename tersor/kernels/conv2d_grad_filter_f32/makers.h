// The makers of this family's rows, and what they have in common.
#pragma once

#include <memory>
#include <optional>

#include "tersor/kernels/conv2d_f32/geometry.h"
#include "tersor/kernels/conv2d_grad_filter_f32/loops.h"
#include "tersor/kernels/kernel.h"
#include "tersor/kernels/winograd_f32/winograd_f32.h"

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

/// Kernels that take: any convolution; 3x3 filters of stride 1, where Winograd's way is expected to
/// take less time than the direct one (null for others).
std::unique_ptr<Kernel> MakeDirect(const KernelSpec& spec, const Loops& loops);
std::unique_ptr<Kernel> MakeWinograd(const KernelSpec& spec,
                                     const winograd_f32::GradientLoops& loops);

template <const Loops& kLoops>
std::unique_ptr<Kernel> MakeDirect(const KernelSpec& spec) {
  return MakeDirect(spec, kLoops);
}
template <const winograd_f32::GradientLoops& kLoops>
std::unique_ptr<Kernel> MakeWinograd(const KernelSpec& spec) {
  return MakeWinograd(spec, kLoops);
}

std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec);

}  // namespace tersor::kernels::conv2d_grad_filter_f32
