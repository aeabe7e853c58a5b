// Products of stacks of matrices, made of a kernel for two matrices.
#pragma once

#include <memory>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::matmul_f32 {

/// A kernel for operands of any rank from 2 on, whose leading axes broadcast as in NumPy: it runs
/// the kernel that `make` gives for two matrices once for each pair. Where rhs is one matrix, and
/// lhs is not transposed, the stack of lhs is one tall matrix and the product is one run. With at
/// least as many pairs as threads each pair is one thread's, else each run may use all threads.
/// The results are those of the pairs by themselves, to the bit. Null where `make` refuses.
std::unique_ptr<Kernel> MakeForStacks(KernelMaker make, const KernelSpec& spec);

}  // namespace tersor::kernels::matmul_f32
