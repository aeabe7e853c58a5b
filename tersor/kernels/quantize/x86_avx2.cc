#include "tersor/kernels/quantize/x86_loops.h"

namespace tersor::kernels::quantize {

constinit const Loops kAvx2Loops = kLoops;

}  // namespace tersor::kernels::quantize
