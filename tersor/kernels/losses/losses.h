// Losses over classes and the gradient of softmax, f32, on rows of K values. A row's target t is
//
//   labels i32 [N]    t_k = (1 - label_smoothing) * [k = label] + label_smoothing / K
//   labels f32 [N,K]  t_k = (1 - label_smoothing) * label_k + label_smoothing / K  (soft labels)
//
//   CrossEntropy      loss[n] = T * log(sum over k of e^z_k) - sum over k of t_k * z_k,
//                     z = logits[n],  T = sum over k of t_k  (1 for class numbers)
//   CrossEntropyGrad  logits_gradient[n,k] = gradient[n] * (T * softmax(z)_k - t_k)
//   SoftmaxGrad       input_gradient_k = output_k * (gradient_k - s),
//                     s = sum over j of gradient_j * output_j
//
// logits [N,K], gradient and loss [N]; SoftmaxGrad: any shape, along the last axis. The largest
// logit is subtracted first, so nothing overflows. A class number outside [0, K) makes its
// example's loss and gradient NaN, so that wrong data does not pass for right data; soft labels are
// taken as they are, whatever their sum. Sums are in double. The result of SoftmaxGrad may alias
// either operand, that of CrossEntropyGrad the logits. There is one row, and it uses one thread:
// this is some microseconds of a training step.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::losses {

std::span<const KernelRow> CrossEntropyRows();
std::span<const KernelRow> CrossEntropyGradRows();
std::span<const KernelRow> SoftmaxGradRows();

}  // namespace tersor::kernels::losses
