#include "tersor/kernels/activations_grad/activations_grad_x86.h"

namespace tersor::kernels::activations_grad {

std::unique_ptr<Kernel> MakeReluGradAvx512(const KernelSpec& spec) { return Make<ReluGrad>(spec); }
std::unique_ptr<Kernel> MakeRelu6GradAvx512(const KernelSpec& spec) {
  return Make<Relu6Grad>(spec);
}
std::unique_ptr<Kernel> MakeSigmoidGradAvx512(const KernelSpec& spec) {
  return Make<SigmoidGrad>(spec);
}
std::unique_ptr<Kernel> MakeTanhGradAvx512(const KernelSpec& spec) { return Make<TanhGrad>(spec); }

}  // namespace tersor::kernels::activations_grad
