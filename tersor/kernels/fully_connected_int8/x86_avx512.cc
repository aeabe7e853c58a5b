#include "tersor/kernels/fully_connected_int8/fully_connected_x86.h"

namespace tersor::kernels::fully_connected_int8 {

const Routines kAvx512Routines = {.lanes = kLanes, .group = 2, .run = Run};

}  // namespace tersor::kernels::fully_connected_int8
