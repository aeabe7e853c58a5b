#include "tersor/kernels/winograd_f32/winograd-inl.h"

namespace tersor::kernels::winograd_f32 {

const Simd kAvx512Simd = kSimd;
const GradientSimd kAvx512GradientSimd = kGradientSimd;

}  // namespace tersor::kernels::winograd_f32
