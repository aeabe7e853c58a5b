#include "tersor/kernels/winograd_f32/winograd-inl.h"

namespace tersor::kernels::winograd_f32 {

const Simd kAvx512Simd = kSimd;

}  // namespace tersor::kernels::winograd_f32
