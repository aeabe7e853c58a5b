#include "tersor/kernels/softmax/loops-inl.h"

namespace tersor::kernels::softmax {
constinit const Loops kAvx512Loops = kLoops;
}
