// The loops of loops.h over the vector of the including file.
#pragma once

#include "tersor/kernels/activations_grad/loops.h"
#include "tersor/kernels/simd/vector.h"

namespace tersor::kernels::activations_grad {
namespace {

F32 ReluGrad(F32 gradient, F32 output) { return Keep(Greater(output, F32::Zero()), gradient); }
F32 Relu6Grad(F32 gradient, F32 output) {
  return Keep(Greater(output, F32::Zero()) & Greater(F32::Fill(6), output), gradient);
}
F32 SigmoidGrad(F32 gradient, F32 output) { return gradient * output * (F32::Fill(1) - output); }
F32 TanhGrad(F32 gradient, F32 output) { return gradient * (F32::Fill(1) - output * output); }

template <auto kFunction>
void RunLoop(const float* gradient, const float* output, float* result, int64_t count) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    kFunction(F32::Load(gradient + i), F32::Load(output + i)).Store(result + i);
  }
  const int64_t rest = count - i;
  kFunction(F32::LoadPart(gradient + i, rest), F32::LoadPart(output + i, rest))
      .StorePart(result + i, rest);
}

constexpr Loops kLoops = {RunLoop<ReluGrad>, RunLoop<Relu6Grad>, RunLoop<SigmoidGrad>,
                          RunLoop<TanhGrad>};

}  // namespace
}  // namespace tersor::kernels::activations_grad
