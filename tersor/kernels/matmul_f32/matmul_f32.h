// MatMul of two matrices: product[m,n] = sum over k of L[m,k] * R[k,n], where L is lhs [M,K]
// (transpose_lhs: lhs is [K,M], L its transpose) and R is rhs [K,N] (transpose_rhs: rhs is [N,K]).
//
// Operands of more axes are stacks of matrices, whose leading axes broadcast: every row takes them,
// one product for each pair of matrices (stacks.h). f32; nothing aliases. Tolerance against the
// reference, which sums in double: 2e-6 * K * max|L| * max|R|. Floor: M*N*K multiply-adds. Results
// do not depend on the number of threads.
#pragma once

#include <span>

#include "tersor/base/thread_pool.h"
#include "tersor/kernels/kernel.h"
#include "tersor/kernels/matmul_f32/loops.h"

namespace tersor::kernels::matmul_f32 {

std::span<const KernelRow> Rows();

/// The product's extents, read from the operands.
struct Extents {
  int64_t rows, columns, depth;
  bool transpose_lhs, transpose_rhs;
};
/// False when the case is not a product of two f32 matrices of two axes.
bool ReadExtents(const KernelSpec& spec, Extents& extents);

/// Runs a product in `tasks` parts of its panels. `scratch`: loops.ScratchFloats() for each task.
void RunProduct(const Loops& loops, const Product& product, int tasks, ThreadPool& pool,
                float* scratch);

/// The last row: the definition.
std::unique_ptr<Kernel> MakeReference(const KernelSpec& spec);

}  // namespace tersor::kernels::matmul_f32
