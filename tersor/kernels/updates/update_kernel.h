// The kernel of an update: runs a formula of update_formulas.h over this call's slice. `Memory`
// says how many elements it takes at once (kLanes), and with Part(count) takes fewer.
#pragma once

#include "tersor/kernels/updates/update_formulas.h"

namespace tersor::kernels::updates {
namespace {

/// Calls the formula with the operands that it takes, from element i on.
template <typename Memory>
void ApplyAt(const SgdOptions& options, const SgdConstants& constants, const Memory& memory,
             const KernelCall& call, int64_t i) {
  auto* variable = static_cast<float*>(const_cast<void*>(call.operands[0].data));
  auto* velocity = static_cast<float*>(const_cast<void*>(call.operands[2].data));
  SgdFormula::Apply(options, constants, memory, variable + i, call.operands[1].as<float>() + i,
                    velocity ? velocity + i : nullptr);
}

template <typename Memory>
void ApplyAt(const AdamOptions& options, const AdamConstants& constants, const Memory& memory,
             const KernelCall& call, int64_t i) {
  const auto mutable_at = [&](size_t operand) {
    return static_cast<float*>(const_cast<void*>(call.operands[operand].data)) + i;
  };
  AdamFormula::Apply(options, constants, memory, mutable_at(0), call.operands[1].as<float>() + i,
                     mutable_at(2), mutable_at(3));
}

template <typename Memory>
void ApplyAt(const MovingAverageOptions& options, const MovingAverageConstants& constants,
             const Memory& memory, const KernelCall& call, int64_t i) {
  auto* variable = static_cast<float*>(const_cast<void*>(call.operands[0].data));
  MovingAverageFormula::Apply(options, constants, memory, variable + i,
                              call.operands[1].as<float>() + i);
}

template <typename Formula, typename Memory>
class UpdateKernel : public Kernel {
 public:
  explicit UpdateKernel(const Attributes& attributes) : options_(attributes) {}

  void Run(const KernelCall& call) const override {
    const auto constants = options_.Constants(call);
    const auto [begin, end] = SliceOf(call);
    int64_t i = begin;
    for (; i + Memory::kLanes <= end; i += Memory::kLanes) {
      ApplyAt(options_, constants, Memory(), call, i);
    }
    if constexpr (Memory::kLanes > 1) {
      if (i < end) {
        ApplyAt(options_, constants, typename Memory::Part{static_cast<int>(end - i)}, call, i);
      }
    }
  }

 private:
  typename Formula::Options options_;
};

}  // namespace
}  // namespace tersor::kernels::updates
