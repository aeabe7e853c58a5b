#include "tersor/kernels/matmul_f32/matmul_x86.h"

namespace tersor::kernels::matmul_f32 {

std::unique_ptr<Kernel> MakeAvx2(const KernelSpec& spec) { return Make(spec); }

}  // namespace tersor::kernels::matmul_f32
