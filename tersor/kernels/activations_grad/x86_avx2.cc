#include "tersor/kernels/activations_grad/loops-inl.h"

namespace tersor::kernels::activations_grad {
constinit const Loops kAvx2Loops = kLoops;
}
