#include "tersor/kernels/reduce/loops-inl.h"

namespace tersor::kernels::reduce {
constinit const Loops kAvx2Loops = kLoops;
}
