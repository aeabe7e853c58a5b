#include "tersor/kernels/matmul_f32/loops-inl.h"

namespace tersor::kernels::matmul_f32 {
constinit const Loops kAvx2Loops = kLoops;
}
