// Sum, mean and maximum over axes.
//
//   reduce_sum    y = sum of x             over all indices of `axes` (from the end where negative)
//   reduce_mean   y = sum of x / n         n indices
//   reduce_max    y = max of x             where n = 0: the type's smallest (floats: -infinity)
//
// The result has the axes that are not reduced. With keep_dims it also has the reduced axes, each
// with extent 1; for the kernel only the number of elements matters. Operand and result have the
// same element type, which is one of these:
//   f32        sums in double, rounded once: at most kTolerance times the sum of |x| away from the
//              exact one. A NaN makes its sum, mean and maximum NaN.
//   quantized i8, u8, per tensor
//              docs/integer-arithmetic.md: reduce_mean by its rule, reduce_sum as a mean with
//              n = 1, reduce_max as the maximum of the integers, after which the scale is changed.
//              Bit-exact. A case in which a sum could leave int32 is refused.
//   i32, i64   sum (wraps) and maximum
// No aliasing. Scratch: 8 bytes for each element of the result. Floor: one read of the operand.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::reduce {

inline constexpr float kTolerance = 1.2e-7f;

std::span<const KernelRow> ReduceMaxRows();
std::span<const KernelRow> ReduceMeanRows();
std::span<const KernelRow> ReduceSumRows();

}  // namespace tersor::kernels::reduce
