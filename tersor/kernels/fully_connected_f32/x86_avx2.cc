#include "tersor/kernels/fully_connected_f32/fully_connected_x86.h"

namespace tersor::kernels::fully_connected_f32 {

std::unique_ptr<Kernel> MakeAvx2(const KernelSpec& spec) { return Make(spec); }

}  // namespace tersor::kernels::fully_connected_f32
