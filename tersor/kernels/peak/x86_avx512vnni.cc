#include "tersor/kernels/peak/loops-inl.h"

namespace tersor::kernels::peak {
constinit const Loops kAvx512VnniLoops = kLoops;
}
