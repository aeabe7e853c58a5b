// Which kernel families serve an operator: the rows of operator_kernels.inc.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/cpu.h"
#include "tersor/ir/op.h"
#include "tersor/kernels/kernel.h"

namespace tersor::runtime {

/// The families of an operator, best first; empty for an operator without a kernel.
std::span<const kernels::KernelRows> FamiliesOf(ir::OpKind op);

struct ChosenKernel {
  std::unique_ptr<kernels::Kernel> kernel;  ///< null: no row takes the case
  std::string name;                         ///< "conv2d_f32/avx2"
};

/// The first row, over the families of `op` in order, whose level is in `cpu` and whose maker takes
/// the case. Where none does and a tensor is f16 or bf16, the row that takes the case in f32,
/// widened (runtime/widened.h).
ChosenKernel ChooseKernel(ir::OpKind op, const kernels::KernelSpec& spec, CpuFeatures cpu);

/// The kernel of `op` that ChooseKernel named so; null where this build has no such row, the CPU
/// lacks its level, or its maker does not take the case.
std::unique_ptr<kernels::Kernel> MakeNamedKernel(ir::OpKind op, std::string_view name,
                                                 const kernels::KernelSpec& spec, CpuFeatures cpu);

inline constexpr std::string_view kCopyKernel = "copy/reference";

/// Copies the first operand to the first result: for an output that is an input, a variable or
/// another output as well.
std::unique_ptr<kernels::Kernel> MakeCopyKernel(size_t size_bytes);

}  // namespace tersor::runtime
