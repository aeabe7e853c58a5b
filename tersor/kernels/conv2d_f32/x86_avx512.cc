#include "tersor/kernels/conv2d_f32/direct-inl.h"

namespace tersor::kernels::conv2d_f32 {

const DirectSimd kAvx512DirectSimd = kDirectSimd;

}  // namespace tersor::kernels::conv2d_f32
