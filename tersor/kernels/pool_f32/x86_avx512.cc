#include "tersor/kernels/pool_f32/loops-inl.h"

namespace tersor::kernels::pool_f32 {
constinit const Loops kAvx512Loops = kLoops;
}
