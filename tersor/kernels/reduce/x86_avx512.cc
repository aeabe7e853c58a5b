#include "tersor/kernels/reduce/loops-inl.h"

namespace tersor::kernels::reduce {
constinit const Loops kAvx512Loops = kLoops;
}
