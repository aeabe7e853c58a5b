#include "tersor/kernels/quantize/loops-inl.h"

namespace tersor::kernels::quantize {
constinit const Loops kAvx512Loops = kLoops;
}
