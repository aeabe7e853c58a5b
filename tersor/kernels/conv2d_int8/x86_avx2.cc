#include "tersor/kernels/conv2d_int8/direct.h"
#include "tersor/kernels/conv2d_int8/winograd.h"

namespace tersor::kernels::conv2d_int8 {

const Routines kAvx2Routines = {.lanes = kLanes,
                                .direct_group = 2,
                                .pairs_cost = 0.55,
                                .direct_cost = 0.55,
                                .winograd = RunWinograd,
                                .direct = RunDirect};

}  // namespace tersor::kernels::conv2d_int8
