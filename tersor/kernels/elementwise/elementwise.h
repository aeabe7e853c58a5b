// Element-wise operators of one and of two operands.
//
//   unary    y[i] = f(x[i])                          results[0] has the shape of operands[0]
//
//   binary   y[i] = activation(f(lhs[i'], rhs[i'']))  shapes broadcast as in NumPy, aligned at the
//                                                    last axis
//
// f is the formula of operators.inc. `activation` is the attribute of that name where the operator
// has it.
//
// Element types, the same for operands and result:
//   f32              f computed in double and rounded once. Vector rows give the same bits, but for
//                    exp, rsqrt and sigmoid, which lie within kExpTolerance. NaN stays NaN.
//
//   quantized        i8, u8, i16, per tensor only: docs/integer-arithmetic.md. Add, subtract and
//                    multiply by their own rules, everything else as dequantize, f, quantize (8-bit
//                    unary: a table of 256 entries). Bit-exact on every row.
//
//   plain integers   exact, then wrapped to the type; binary operators of domain kNumbers only.
//
// The result may alias operands[0] where that has the result's shape. Threads: large tensors are
// cut into one range a thread. Floor: one read of each operand and one write of the result.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::elementwise {

/// Largest relative error of vectorized exp, rsqrt and sigmoid against the reference; results below
/// the smallest normal f32 may become 0.
inline constexpr float kExpTolerance = 3e-7f;

#define UNARY(Name, formula) std::span<const KernelRow> Name##Rows();
#define BINARY(Name, formula, domain) std::span<const KernelRow> Name##Rows();
#include "tersor/kernels/elementwise/operators.inc"

}  // namespace tersor::kernels::elementwise
