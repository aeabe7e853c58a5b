#include "tersor/kernels/elementwise/loops-inl.h"

namespace tersor::kernels::elementwise {
constinit const Loops kAvx2Loops = kLoops;
}
