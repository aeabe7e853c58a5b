#include "tersor/kernels/winograd_f32/winograd-inl.h"

namespace tersor::kernels::winograd_f32 {

const Simd kAvx2Simd = kSimd;

}  // namespace tersor::kernels::winograd_f32
