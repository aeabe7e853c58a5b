// The makers of this family's rows, and what they have in common.
#pragma once

#include <memory>
#include <optional>

#include "tersor/kernels/conv2d_f32/depthwise.h"
#include "tersor/kernels/conv2d_f32/direct.h"
#include "tersor/kernels/conv2d_f32/epilogue.h"
#include "tersor/kernels/conv2d_f32/geometry.h"
#include "tersor/kernels/kernel.h"
#include "tersor/kernels/winograd_f32/winograd_f32.h"

namespace tersor::kernels::conv2d_f32 {

/// Operands of Conv2d.
inline constexpr size_t kInput = 0, kFilter = 1, kBias = 2, kPaddingValue = 3;

/// A convolution to make a kernel for.
struct Convolution {
  Geometry geometry;
  EpiloguePlan epilogue;
  const float* filter = nullptr;  ///< null: comes with each call
  bool has_padding_value = false;
  const float* padding_value = nullptr;  ///< null: absent, or comes with each call
  size_t input_operand = kInput, filter_operand = kFilter;
  /// The filter is that of the convolution whose gradient this is: [in_channels, KH, KW,
  /// out_channels / groups], turned by 180 degrees.
  bool flipped = false;
};

/// What a spec of Conv2d asks for; nothing where it is not an f32 convolution of this family.
std::optional<Convolution> ParseSpec(const KernelSpec& spec);

/// Kernels that take: any convolution; those with one channel a group; 3x3 filters of stride 1.
std::unique_ptr<Kernel> MakeDirectKernel(const DirectSimd& simd, Convolution conv, int threads);
/// Null unless every channel is a group of its own, one in and one out.
std::unique_ptr<Kernel> MakeDepthwiseKernel(const DepthwiseSimd& simd, const DirectSimd& direct,
                                            Convolution conv, int threads);
std::unique_ptr<Kernel> MakeWinogradKernel(const winograd_f32::Simd& simd, Convolution conv,
                                           int threads);

#define KERNEL(name, level, maker) std::unique_ptr<Kernel> maker(const KernelSpec& spec);
#include "tersor/kernels/conv2d_f32/kernels.inc"
#undef KERNEL

}  // namespace tersor::kernels::conv2d_f32
