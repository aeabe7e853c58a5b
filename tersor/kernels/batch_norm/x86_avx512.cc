#include "tersor/kernels/batch_norm/batch_norm_x86.h"

namespace tersor::kernels::batch_norm {

std::unique_ptr<Kernel> MakeBatchNormAvx512(const KernelSpec& spec) {
  return Make<NormKernel>(spec);
}
std::unique_ptr<Kernel> MakeBatchNormMomentsAvx512(const KernelSpec& spec) {
  return Make<MomentsKernel>(spec);
}
std::unique_ptr<Kernel> MakeBatchNormGradSumsAvx512(const KernelSpec& spec) {
  return Make<GradSumsKernel>(spec);
}
std::unique_ptr<Kernel> MakeBatchNormGradAvx512(const KernelSpec& spec) {
  return Make<GradKernel>(spec);
}

}  // namespace tersor::kernels::batch_norm
