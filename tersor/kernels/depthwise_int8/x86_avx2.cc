#include "tersor/kernels/depthwise_int8/depthwise_x86.h"

namespace tersor::kernels::depthwise_int8 {

const Routines kAvx2Routines = {.lanes = kLanes, .run = Run};

}  // namespace tersor::kernels::depthwise_int8
