#include "tersor/kernels/conv2d_int8/direct-inl.h"
#include "tersor/kernels/conv2d_int8/winograd-inl.h"

namespace tersor::kernels::conv2d_int8 {

constinit const Loops kAvx512Loops = {.lanes = kLanes,
                                      .direct_group = 2,
                                      .pairs_cost = 1.1,
                                      .direct_cost = 1.1,
                                      .winograd = RunWinograd,
                                      .direct = RunDirect};

}  // namespace tersor::kernels::conv2d_int8
