// The updates of updates.h, written once for a number type: float in the reference, a vector of
// floats in the others. `Memory` says how many elements it takes at once (kLanes); it has
// Load(p), Store(p, value), Fill(x), SquareRoot(value), and where kLanes > 1 a Part{count} that
// takes fewer.
//
// In an unnamed namespace: every file that includes it compiles its own copy for its own CPU level.
#pragma once

#include "tersor/kernels/updates/loops.h"

namespace tersor::kernels::updates {
namespace {

template <typename Memory>
inline void UpdateSgd(const Memory& memory, const SgdConstants& constants, float* variable,
                      const float* gradient, float* velocity) {
  const auto w = memory.Load(variable);
  const auto momentum = memory.Fill(constants.momentum);
  const auto g = memory.Load(gradient) + memory.Fill(constants.weight_decay) * w;
  auto step = g;
  if (velocity != nullptr) {
    const auto v = momentum * memory.Load(velocity) + g;
    memory.Store(velocity, v);
    step = constants.nesterov ? momentum * v + g : v;
  }
  memory.Store(variable, w - memory.Fill(constants.learning_rate) * step);
}

template <typename Memory>
inline void UpdateAdam(const Memory& memory, const AdamConstants& constants, float* variable,
                       const float* gradient, float* moment1, float* moment2) {
  const auto w = memory.Load(variable);
  const auto decay = memory.Fill(constants.weight_decay) * w;
  auto g = memory.Load(gradient);
  if (!constants.decoupled) g = g + decay;
  const auto m = memory.Fill(constants.beta1) * memory.Load(moment1) +
                 memory.Fill(constants.one_minus_beta1) * g;
  const auto v = memory.Fill(constants.beta2) * memory.Load(moment2) +
                 memory.Fill(constants.one_minus_beta2) * (g * g);
  memory.Store(moment1, m);
  memory.Store(moment2, v);
  auto d =
      (m * memory.Fill(constants.correction1)) /
      (memory.SquareRoot(v * memory.Fill(constants.correction2)) + memory.Fill(constants.epsilon));
  if (constants.decoupled) d = d + decay;
  memory.Store(variable, w - memory.Fill(constants.learning_rate) * d);
}

template <typename Memory>
inline void UpdateMovingAverage(const Memory& memory, const MovingAverageConstants& constants,
                                float* variable, const float* value) {
  memory.Store(variable, memory.Fill(constants.decay) * memory.Load(variable) +
                             memory.Fill(constants.one_minus_decay) * memory.Load(value));
}

/// update(memory, i) over all elements.
template <typename Memory, typename Update>
inline void ForEach(int64_t count, const Update& update) {
  int64_t i = 0;
  for (; i + Memory::kLanes <= count; i += Memory::kLanes) update(Memory(), i);
  if constexpr (Memory::kLanes > 1) {
    if (i < count) update(typename Memory::Part{count - i}, i);
  }
}

template <typename Memory>
void SgdLoop(const SgdConstants& given, float* variable, const float* gradient, float* velocity,
             int64_t count) {
  const SgdConstants constants = given;  // a vector that is stored could change the caller's
  ForEach<Memory>(count, [&](const auto& memory, int64_t i) {
    UpdateSgd(memory, constants, variable + i, gradient + i,
              velocity != nullptr ? velocity + i : nullptr);
  });
}

template <typename Memory>
void AdamLoop(const AdamConstants& given, float* variable, const float* gradient, float* moment1,
              float* moment2, int64_t count) {
  const AdamConstants constants = given;
  ForEach<Memory>(count, [&](const auto& memory, int64_t i) {
    UpdateAdam(memory, constants, variable + i, gradient + i, moment1 + i, moment2 + i);
  });
}

template <typename Memory>
void MovingAverageLoop(const MovingAverageConstants& given, float* variable, const float* value,
                       int64_t count) {
  const MovingAverageConstants constants = given;
  ForEach<Memory>(count, [&](const auto& memory, int64_t i) {
    UpdateMovingAverage(memory, constants, variable + i, value + i);
  });
}

template <typename Memory>
constexpr Loops kLoopsOf = {SgdLoop<Memory>, AdamLoop<Memory>, MovingAverageLoop<Memory>};

}  // namespace
}  // namespace tersor::kernels::updates
