// Losses over classes and the gradient of softmax, f32. Rows of K values; t is the target of a row
// with label y: t_k = (1 - label_smoothing) * [k = y] + label_smoothing / K.
//
//   CrossEntropy      loss[n] = log(sum over k of e^z_k) - sum over k of t_k * z_k,  z = logits[n]
//   CrossEntropyGrad  logits_gradient[n,k] = gradient[n] * (softmax(z)_k - t_k)
//   SoftmaxGrad       input_gradient_k = output_k * (gradient_k - s),
//                     s = sum over j of gradient_j * output_j
//
// logits [N,K], labels i32 [N], gradient and loss [N]; SoftmaxGrad: any shape, along the last axis.
// The largest logit is subtracted first, so nothing overflows. A label outside [0, K) makes its
// example's loss and gradient NaN: wrong data must not pass for right. Sums in double.
// SoftmaxGrad's result may alias either operand, CrossEntropyGrad's the logits. One thread, one
// row: this is some microseconds of a training step.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::losses {

std::span<const KernelRow> CrossEntropyRows();
std::span<const KernelRow> CrossEntropyGradRows();
std::span<const KernelRow> SoftmaxGradRows();

}  // namespace tersor::kernels::losses
