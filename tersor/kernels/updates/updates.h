// Updates of variables in place, f32, element by element:
//
//   SgdUpdate            g = gradient + weight_decay * variable
//                        v = momentum * v + g          (velocity; without it the step is g)
//                        step = nesterov ? momentum * v + g : v
//                        variable -= learning_rate * step
//   AdamUpdate           g = gradient (+ weight_decay * variable, unless decoupled)
//                        m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g * g
//                        d = (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + epsilon)
//                        decoupled: d += weight_decay * variable
//                        variable -= learning_rate * d
//   MovingAverageUpdate  variable = decay * variable + (1 - decay) * value
//
// learning_rate and step are f32 scalars. Constants are computed in double and rounded to f32 once;
// instead of a division by 1 - beta^step there is a multiplication by its reciprocal. Each
// operation rounds once, so all rows have the same bits.
//
// With KernelCall::shards set, shard s of S updates the elements [s*n/S, (s+1)*n/S) of what is one
// variable for all shards; all of them pass the same gradient. The slicing changes no bit. The
// kernels do not wait for each other: the caller makes sure that no shard reads the variable before
// all shards have updated it.
// Floor: bytes of the variable, of its state twice, and of the gradient.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::updates {

std::span<const KernelRow> SgdUpdateRows();
std::span<const KernelRow> AdamUpdateRows();
std::span<const KernelRow> MovingAverageUpdateRows();

}  // namespace tersor::kernels::updates
