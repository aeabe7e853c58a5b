// The makers of this family's rows, and what they have in common.
#pragma once

#include <memory>
#include <optional>

#include "tersor/kernels/conv2d_f32/epilogue.h"
#include "tersor/kernels/conv2d_f32/geometry.h"
#include "tersor/kernels/kernel.h"

namespace tersor::kernels::conv2d_f32 {

/// Operands of Conv2d.
inline constexpr size_t kInput = 0, kFilter = 1, kBias = 2, kPaddingValue = 3;

struct ParsedSpec {
  Geometry geometry;
  EpiloguePlan epilogue;
  const float* filter = nullptr;  ///< null: comes with each call
  bool has_padding_value = false;
  const float* padding_value = nullptr;  ///< null: absent, or comes with each call
};

/// What a spec asks for; nothing where it is not an f32 convolution of this family.
std::optional<ParsedSpec> ParseSpec(const KernelSpec& spec);

#define KERNEL(name, level, maker) std::unique_ptr<Kernel> maker(const KernelSpec& spec);
#include "tersor/kernels/conv2d_f32/kernels.inc"
#undef KERNEL

}  // namespace tersor::kernels::conv2d_f32
