// Softmax and its logarithm along the last axis.
//
//   softmax       y[i] = e^(x[i] - m) / s       m = max x, s = sum of e^(x - m), over the row
//   log_softmax   y[i] = (x[i] - m) - log s
//
// Operand and result have one shape, of rank 1 or more, and one element type:
//   f32   computed in double and rounded once; vector rows lie within kTolerance. A row with a NaN,
//         or without a finite largest element, becomes NaN.
//   quantized i8, u8, per tensor
//         softmax: docs/integer-arithmetic.md; log_softmax: dequantize, the f32 reference,
//         quantize. Bit-exact.
// The result may alias the operand. Floor: one exponential an element, one read and one write.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::softmax {

/// The error of the vector rows is at most kTolerance * y * (1 + (m - x) / 16), the second part
/// from rounding x - m to f32; results below the smallest normal f32 may become 0.
inline constexpr float kTolerance = 1e-6f;

std::span<const KernelRow> SoftmaxRows();
std::span<const KernelRow> LogSoftmaxRows();

}  // namespace tersor::kernels::softmax
