#include "tersor/kernels/activations_grad/loops.h"

namespace tersor::kernels::activations_grad {
namespace {

float ReluGrad(float gradient, float output) { return output > 0 ? gradient : 0; }
float Relu6Grad(float gradient, float output) { return output > 0 && output < 6 ? gradient : 0; }
float SigmoidGrad(float gradient, float output) { return gradient * output * (1 - output); }
float TanhGrad(float gradient, float output) { return gradient * (1 - output * output); }

template <auto kFunction>
void RunLoop(const float* gradient, const float* output, float* result, int64_t count) {
  for (int64_t i = 0; i < count; ++i) result[i] = kFunction(gradient[i], output[i]);
}

}  // namespace

constinit const Loops kReferenceLoops = {RunLoop<ReluGrad>, RunLoop<Relu6Grad>,
                                         RunLoop<SigmoidGrad>, RunLoop<TanhGrad>};

}  // namespace tersor::kernels::activations_grad
