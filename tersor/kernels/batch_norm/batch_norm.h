// Batch normalization of f32 tensors [..., C] along the last axis, in inference and in training
// (Ioffe & Szegedy 2015). P cells of C channels; all sums are over the P cells, r_c = 1 /
// sqrt(variance_c + epsilon).
//
//   BatchNorm            output = (input - mean_c) * r_c * scale_c + offset_c
//   BatchNormMoments     sums [3,C] = sum of input; sum of input^2; P
//   BatchNormStatistics  mean = sums[0] / sums[2]; variance = max(0, sums[1] / sums[2] - mean^2);
//                        count = sums[2][0] (a scalar)
//   BatchNormGradSums    sums [2,C] = sum of gradient; sum of gradient * (input - mean_c) * r_c
//   BatchNormGrad        input_gradient = scale_c * r_c * (gradient - sums[0]_c / count -
//                        (input - mean_c) * r_c * sums[1]_c / count), the gradient of
//                        BatchNorm(input, mean and variance of input)
//
// With training shards the sums of all shards are added between the steps; count counts them all.
// The result of an element-wise step may alias its first operand. One pass over the data each.
// Sums: f32 lanes within blocks of at most 64 values a lane, double across blocks, in a fixed
// order; against the reference, which sums in double, relative to the sum of magnitudes: 2e-6.
// Element-wise steps: 1e-5 relative to 1 + |result|. Floor: the bytes of operands and results.
// BatchNorm may use several threads, the others use one.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::batch_norm {

std::span<const KernelRow> BatchNormRows();
std::span<const KernelRow> BatchNormMomentsRows();
std::span<const KernelRow> BatchNormStatisticsRows();
std::span<const KernelRow> BatchNormGradSumsRows();
std::span<const KernelRow> BatchNormGradRows();

}  // namespace tersor::kernels::batch_norm
