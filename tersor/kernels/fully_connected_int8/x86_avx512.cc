#include "tersor/kernels/fully_connected_int8/loops-inl.h"

namespace tersor::kernels::fully_connected_int8 {
constinit const Loops kAvx512Loops = kLoops;
}
