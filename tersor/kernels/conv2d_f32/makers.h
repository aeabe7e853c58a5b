// The makers of this family's rows, and what they have in common.
#pragma once

#include <memory>
#include <optional>

#include "tersor/kernels/conv2d_f32/direct.h"
#include "tersor/kernels/conv2d_f32/geometry.h"
#include "tersor/kernels/conv2d_f32/loops.h"
#include "tersor/kernels/kernel.h"
#include "tersor/kernels/simd/stages.h"
#include "tersor/kernels/winograd_f32/winograd_f32.h"

namespace tersor::kernels::conv2d_f32 {

/// Operands of Conv2d.
inline constexpr size_t kInput = 0, kFilter = 1, kBias = 2, kPaddingValue = 3;

/// A convolution to make a kernel for.
struct Convolution {
  Geometry geometry;
  StagePlan epilogue;
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

/// Kernels that take: any convolution; those whose every channel is a group of its own, one in and
/// one out (null for others); 3x3 filters of stride 1.
std::unique_ptr<Kernel> MakeDirectKernel(const Loops& loops, Convolution conv, int threads);
std::unique_ptr<Kernel> MakeDepthwiseKernel(const Loops& loops, Convolution conv, int threads);
std::unique_ptr<Kernel> MakeWinogradKernel(const winograd_f32::Loops& loops, Convolution conv,
                                           int threads);
/// The Winograd kernel where it is expected to take less time than the direct one, else null.
std::unique_ptr<Kernel> MakeFasterWinogradKernel(const winograd_f32::Loops& loops, Convolution conv,
                                                 int threads);

/// The makers of rows whose specs Parse reads as a Convolution.
template <std::optional<Convolution> (*kParse)(const KernelSpec& spec)>
struct Ways {
  template <const Loops& kLoops>
  static std::unique_ptr<Kernel> Direct(const KernelSpec& spec) {
    return Make(MakeDirectKernel, kLoops, spec);
  }
  template <const Loops& kLoops>
  static std::unique_ptr<Kernel> Depthwise(const KernelSpec& spec) {
    return Make(MakeDepthwiseKernel, kLoops, spec);
  }
  template <const winograd_f32::Loops& kLoops>
  static std::unique_ptr<Kernel> Winograd(const KernelSpec& spec) {
    return Make(MakeFasterWinogradKernel, kLoops, spec);
  }

 private:
  template <typename AnyLoops>
  static std::unique_ptr<Kernel> Make(std::unique_ptr<Kernel> (*make)(const AnyLoops& loops,
                                                                      Convolution conv,
                                                                      int threads),
                                      const AnyLoops& loops, const KernelSpec& spec) {
    auto conv = kParse(spec);
    return conv.has_value() ? make(loops, std::move(*conv), spec.threads) : nullptr;
  }
};

std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec);

}  // namespace tersor::kernels::conv2d_f32
