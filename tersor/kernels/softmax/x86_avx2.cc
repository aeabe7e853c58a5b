#include "tersor/kernels/softmax/x86_loops.h"

namespace tersor::kernels::softmax {

constinit const Loops kAvx2Loops = {Softmax};

}  // namespace tersor::kernels::softmax
