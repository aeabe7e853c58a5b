#include "tersor/kernels/conv2d_int8/direct.h"
#include "tersor/kernels/conv2d_int8/winograd.h"

namespace tersor::kernels::conv2d_int8 {

const Routines kAvx512VnniRoutines = {.lanes = kLanes,
                                      .direct_group = 4,
                                      .pairs_cost = 1.1,
                                      .direct_cost = 1.1,
                                      .winograd = RunWinograd,
                                      .direct = RunDirect};

}  // namespace tersor::kernels::conv2d_int8
