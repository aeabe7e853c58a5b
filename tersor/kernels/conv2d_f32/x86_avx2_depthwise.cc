#include "tersor/kernels/conv2d_f32/depthwise-inl.h"

namespace tersor::kernels::conv2d_f32 {

const DepthwiseSimd kAvx2DepthwiseSimd = kDepthwiseSimd;

}  // namespace tersor::kernels::conv2d_f32
