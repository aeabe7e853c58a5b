#include "tersor/kernels/conv2d_f32/loops-inl.h"

namespace tersor::kernels::conv2d_f32 {
constinit const Loops kAvx512Loops = kLoops;
}
