// Gradients of activations in f32, from the gradient and the activation's output, element by
// element; all of one shape:
//
//   ReluGrad     gradient where output > 0, else 0
//   Relu6Grad    gradient where 0 < output < 6, else 0
//   SigmoidGrad  gradient * output * (1 - output), in this order
//   TanhGrad     gradient * (1 - output * output)
//
// The result may alias either operand. The same bits in every row: each operation rounds once.
// One thread. Floor: three tensors' bytes.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::activations_grad {

std::span<const KernelRow> ReluGradRows();
std::span<const KernelRow> Relu6GradRows();
std::span<const KernelRow> SigmoidGradRows();
std::span<const KernelRow> TanhGradRows();

}  // namespace tersor::kernels::activations_grad
