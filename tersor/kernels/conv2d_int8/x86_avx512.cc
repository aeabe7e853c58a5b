#include "tersor/kernels/conv2d_int8/loops-inl.h"

namespace tersor::kernels::conv2d_int8 {
constinit const Loops kAvx512Loops = kLoops;
}
