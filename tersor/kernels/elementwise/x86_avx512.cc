#include "tersor/kernels/elementwise/x86_loops.h"

namespace tersor::kernels::elementwise {

constinit const Loops kAvx512Loops = MakeLoops();

}  // namespace tersor::kernels::elementwise
