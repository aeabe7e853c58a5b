#include "tersor/kernels/winograd_f32/loops-inl.h"

namespace tersor::kernels::winograd_f32 {

constinit const Loops kAvx512Loops = kLoops;
constinit const GradientLoops kAvx512GradientLoops = {kAvx512Loops, TransformGradient, Accumulate,
                                                      FinishFilterGradient};

}  // namespace tersor::kernels::winograd_f32
