// The updates of updates.h, written once for a number type: float in the reference, a vector of
// floats in the others. Value needs + - * / Fill(float) and a function SquareRoot(Value).
//
// In an unnamed namespace: every file that includes it compiles its own copy for its own CPU level.
#pragma once

#include "tersor/kernels/updates/updates.h"

namespace tersor::kernels::updates {
namespace {

/// `memory` reads and writes elements: memory.Load(p), memory.Store(p, value), memory.Fill(x).
struct SgdFormula {
  using Options = SgdOptions;

  template <typename Memory>
  static void Apply(const SgdOptions& options, const SgdConstants& constants, const Memory& memory,
                    float* variable, const float* gradient, float* velocity) {
    auto w = memory.Load(variable);
    const auto momentum = memory.Fill(constants.momentum);
    auto g = memory.Load(gradient) + memory.Fill(constants.weight_decay) * w;
    auto step = g;
    if (velocity != nullptr) {
      const auto v = momentum * memory.Load(velocity) + g;
      memory.Store(velocity, v);
      step = options.nesterov ? momentum * v + g : v;
    }
    memory.Store(variable, w - memory.Fill(constants.learning_rate) * step);
  }
};

struct AdamFormula {
  using Options = AdamOptions;

  template <typename Memory>
  static void Apply(const AdamOptions& options, const AdamConstants& constants,
                    const Memory& memory, float* variable, const float* gradient, float* moment1,
                    float* moment2) {
    const auto w = memory.Load(variable);
    const auto decay = memory.Fill(constants.weight_decay) * w;
    auto g = memory.Load(gradient);
    if (!options.decoupled) g = g + decay;
    const auto m = memory.Fill(constants.beta1) * memory.Load(moment1) +
                   memory.Fill(constants.one_minus_beta1) * g;
    const auto v = memory.Fill(constants.beta2) * memory.Load(moment2) +
                   memory.Fill(constants.one_minus_beta2) * (g * g);
    memory.Store(moment1, m);
    memory.Store(moment2, v);
    auto d = (m * memory.Fill(constants.correction1)) /
             (memory.SquareRoot(v * memory.Fill(constants.correction2)) +
              memory.Fill(constants.epsilon));
    if (options.decoupled) d = d + decay;
    memory.Store(variable, w - memory.Fill(constants.learning_rate) * d);
  }
};

struct MovingAverageFormula {
  using Options = MovingAverageOptions;

  template <typename Memory>
  static void Apply(const MovingAverageOptions&, const MovingAverageConstants& constants,
                    const Memory& memory, float* variable, const float* value) {
    memory.Store(variable, memory.Fill(constants.decay) * memory.Load(variable) +
                               memory.Fill(constants.one_minus_decay) * memory.Load(value));
  }
};

}  // namespace
}  // namespace tersor::kernels::updates
