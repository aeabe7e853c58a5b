#include "tersor/kernels/reduce/x86_loops.h"

namespace tersor::kernels::reduce {

constinit const Loops kAvx512Loops = kLoops;

}  // namespace tersor::kernels::reduce
