// The loops that one instruction set provides; see elementwise/loops.h for why they are plain
// pointers.
#pragma once

#include <cstdint>

namespace tersor::kernels::updates {

/// What one element's update needs besides the element.
struct SgdConstants {
  float learning_rate, momentum, weight_decay;
  bool nesterov;
};
struct AdamConstants {
  float learning_rate, beta1, one_minus_beta1, beta2, one_minus_beta2;
  float correction1, correction2;  ///< 1 / (1 - beta^step)
  float epsilon, weight_decay;
  bool decoupled;
};
struct MovingAverageConstants {
  float decay, one_minus_decay;
};

/// The formulas of updates.h on `count` elements. `velocity` is null where there is none.
struct Loops {
  void (*sgd)(const SgdConstants& constants, float* variable, const float* gradient,
              float* velocity, int64_t count);
  void (*adam)(const AdamConstants& constants, float* variable, const float* gradient,
               float* moment1, float* moment2, int64_t count);
  void (*moving_average)(const MovingAverageConstants& constants, float* variable,
                         const float* value, int64_t count);
};

#define LOOPS(name, level, loops) extern const Loops loops;
#include "tersor/kernels/updates/kernels.inc"
#undef LOOPS

}  // namespace tersor::kernels::updates
