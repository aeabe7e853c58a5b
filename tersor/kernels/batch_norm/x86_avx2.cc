#include "tersor/kernels/batch_norm/loops-inl.h"

namespace tersor::kernels::batch_norm {
constinit const Loops kAvx2Loops = kLoops;
}
