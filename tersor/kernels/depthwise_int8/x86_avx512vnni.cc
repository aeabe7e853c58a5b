#include "tersor/kernels/depthwise_int8/loops-inl.h"

namespace tersor::kernels::depthwise_int8 {
constinit const Loops kAvx512VnniLoops = kLoops;
}
