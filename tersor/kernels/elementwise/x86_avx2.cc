#include "tersor/kernels/elementwise/x86_loops.h"

namespace tersor::kernels::elementwise {

constinit const Loops kAvx2Loops = MakeLoops();

}  // namespace tersor::kernels::elementwise
