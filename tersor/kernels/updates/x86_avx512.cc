#include "tersor/kernels/updates/loops-inl.h"

namespace tersor::kernels::updates {
constinit const Loops kAvx512Loops = kLoops;
}
