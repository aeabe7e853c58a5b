#include "tersor/kernels/pool_f32/pool_grad_x86.h"
#include "tersor/kernels/pool_f32/pool_x86.h"

namespace tersor::kernels::pool_f32 {

std::unique_ptr<Kernel> MakeMaxPool2dAvx2(const KernelSpec& spec) {
  return MakeForward<true>(spec);
}
std::unique_ptr<Kernel> MakeAvgPool2dAvx2(const KernelSpec& spec) {
  return MakeForward<false>(spec);
}
std::unique_ptr<Kernel> MakeMaxPool2dGradAvx2(const KernelSpec& spec) {
  return MakeGradient<MaxGradKernel>(spec);
}
std::unique_ptr<Kernel> MakeAvgPool2dGradAvx2(const KernelSpec& spec) {
  return MakeGradient<AvgGradKernel>(spec);
}

}  // namespace tersor::kernels::pool_f32
