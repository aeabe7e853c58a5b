#include "tersor/kernels/conv2d_int8/direct-inl.h"
#include "tersor/kernels/conv2d_int8/winograd-inl.h"

namespace tersor::kernels::conv2d_int8 {

constinit const Loops kAvx2Loops = {.lanes = kLanes,
                                    .direct_group = 2,
                                    .pairs_cost = 0.55,
                                    .direct_cost = 0.55,
                                    .winograd = RunWinograd,
                                    .direct = RunDirect};

}  // namespace tersor::kernels::conv2d_int8
