#include "tersor/kernels/winograd_f32/loops-inl.h"

namespace tersor::kernels::winograd_f32 {

constinit const Loops kAvx2Loops = kLoops;
constinit const GradientLoops kAvx2GradientLoops = {kAvx2Loops, TransformGradient, Accumulate,
                                                    FinishFilterGradient};

}  // namespace tersor::kernels::winograd_f32
