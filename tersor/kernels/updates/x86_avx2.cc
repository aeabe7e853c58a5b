#include "tersor/kernels/updates/updates_x86.h"

namespace tersor::kernels::updates {

std::unique_ptr<Kernel> MakeSgdUpdateAvx2(const KernelSpec& spec) { return Make<SgdFormula>(spec); }
std::unique_ptr<Kernel> MakeAdamUpdateAvx2(const KernelSpec& spec) {
  return Make<AdamFormula>(spec);
}
std::unique_ptr<Kernel> MakeMovingAverageUpdateAvx2(const KernelSpec& spec) {
  return Make<MovingAverageFormula>(spec);
}

}  // namespace tersor::kernels::updates
