// Arithmetic on f16 and bf16 by kernels for f32.
#pragma once

#include <functional>
#include <string_view>

#include "tersor/runtime/kernel_table.h"

namespace tersor::runtime {

/// Ends the name of a kernel that Widen made.
inline constexpr std::string_view kWidened = " widened";

/// Returns a kernel for a case with f16 or bf16 tensors. It wraps the f32 kernel that `choose`
/// gives for the same case with f32 tensors: it converts the operands to f32, runs the f32 kernel,
/// and rounds the results to the nearest value, ties to even. The result has the same bits as a
/// cast to f32, the operator, and a cast back. Constants are converted once, in this function. The
/// scratch memory holds an f32 copy of every other 16-bit operand and result. Nothing is returned
/// if no tensor has 16 bits, if the case has an epilogue (whose operators would have to round in
/// between), or if `choose` finds no kernel.
ChosenKernel Widen(const kernels::KernelSpec& spec,
                   const std::function<ChosenKernel(const kernels::KernelSpec&)>& choose);

}  // namespace tersor::runtime
