#include "tersor/kernels/fully_connected_int8/fully_connected_x86.h"

namespace tersor::kernels::fully_connected_int8 {

const Routines kAvx512VnniRoutines = {.lanes = kLanes, .group = 4, .run = Run};

}  // namespace tersor::kernels::fully_connected_int8
