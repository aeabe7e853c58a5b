#include "tersor/kernels/reduce/x86_loops.h"

namespace tersor::kernels::reduce {

constinit const Loops kAvx2Loops = kLoops;

}  // namespace tersor::kernels::reduce
