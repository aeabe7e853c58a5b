#include "tersor/kernels/conv2d_grad_filter_f32/direct-inl.h"

namespace tersor::kernels::conv2d_grad_filter_f32 {

const DirectSimd kAvx2Simd = kSimd;

}  // namespace tersor::kernels::conv2d_grad_filter_f32
