#include "tersor/kernels/quantize/x86_loops.h"

namespace tersor::kernels::quantize {

constinit const Loops kAvx512Loops = kLoops;

}  // namespace tersor::kernels::quantize
