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
// 1 / (1 - beta^step) is multiplied by. Each operation rounds once, so all rows have the same bits.
//
// With KernelCall::shards set, shard s of S updates the elements [s*n/S, (s+1)*n/S) of what is one
// variable for all shards; all give the same gradient. The slicing changes no bit. No barrier: the
// caller lets no shard read the variable before all have updated it.
// Floor: bytes of the variable, of its state twice, and of the gradient.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::updates {

std::span<const KernelRow> SgdUpdateRows();
std::span<const KernelRow> AdamUpdateRows();
std::span<const KernelRow> MovingAverageUpdateRows();

/// True when all operands that are present are f32 and there is no epilogue.
bool Accepts(const KernelSpec& spec);

struct Slice {
  int64_t begin, end;
};
/// The elements that this call updates.
Slice SliceOf(const KernelCall& call);

/// What one element's update needs besides the element.
struct SgdConstants {
  float learning_rate, momentum, weight_decay;
};
struct AdamConstants {
  float learning_rate, beta1, one_minus_beta1, beta2, one_minus_beta2;
  float correction1, correction2;  ///< 1 / (1 - beta^step)
  float epsilon, weight_decay;
};
struct MovingAverageConstants {
  float decay, one_minus_decay;
};

/// The attributes of the operators; kept by kernels.
struct SgdOptions {
  explicit SgdOptions(const Attributes& attributes);
  SgdConstants Constants(const KernelCall& call) const;

  double momentum, weight_decay;
  bool nesterov;
};
struct AdamOptions {
  explicit AdamOptions(const Attributes& attributes);
  AdamConstants Constants(const KernelCall& call) const;

  double beta1, beta2, epsilon, weight_decay;
  bool decoupled;
};
struct MovingAverageOptions {
  explicit MovingAverageOptions(const Attributes& attributes);
  MovingAverageConstants Constants(const KernelCall& call) const;

  double decay;
};

}  // namespace tersor::kernels::updates
