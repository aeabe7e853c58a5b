#include "tersor/kernels/batch_norm/batch_norm_x86.h"

namespace tersor::kernels::batch_norm {

std::unique_ptr<Kernel> MakeBatchNormAvx2(const KernelSpec& spec) { return Make<NormKernel>(spec); }
std::unique_ptr<Kernel> MakeBatchNormMomentsAvx2(const KernelSpec& spec) {
  return Make<MomentsKernel>(spec);
}
std::unique_ptr<Kernel> MakeBatchNormGradSumsAvx2(const KernelSpec& spec) {
  return Make<GradSumsKernel>(spec);
}
std::unique_ptr<Kernel> MakeBatchNormGradAvx2(const KernelSpec& spec) {
  return Make<GradKernel>(spec);
}

}  // namespace tersor::kernels::batch_norm
