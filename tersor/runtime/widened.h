// Arithmetic on f16 and bf16 by kernels for f32.
#pragma once

#include <functional>

#include "tersor/runtime/kernel_table.h"

namespace tersor::runtime {

/// The kernel for a case with f16 or bf16 tensors, made of the kernel that `choose` gives for the
/// same case with f32 in their place: it reads the operands as f32, runs that kernel, and rounds
/// the results to the nearest, ties to even. Those are the bits of a cast to f32, the operator, and
/// a cast back. Constants are widened once, here. Scratch holds an f32 copy of every other operand
/// and result of 16 bits. Empty where no tensor has 16 bits, where the case has an epilogue (whose
/// links would have to round in between), and where `choose` finds nothing.
ChosenKernel Widen(const kernels::KernelSpec& spec,
                   const std::function<ChosenKernel(const kernels::KernelSpec&)>& choose);

}  // namespace tersor::runtime
