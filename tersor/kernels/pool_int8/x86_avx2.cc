#include "tersor/kernels/pool_int8/loops-inl.h"

namespace tersor::kernels::pool_int8 {
constinit const Loops kAvx2Loops = kLoops;
}
