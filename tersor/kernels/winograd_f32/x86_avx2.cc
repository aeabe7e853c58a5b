#include "tersor/kernels/winograd_f32/winograd-inl.h"

namespace tersor::kernels::winograd_f32 {

const Simd kAvx2Simd = kSimd;
const GradientSimd kAvx2GradientSimd = kGradientSimd;

}  // namespace tersor::kernels::winograd_f32
