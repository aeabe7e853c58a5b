#include "tersor/kernels/simd/vector_testing-inl.h"

namespace tersor::kernels {

constinit const VectorTable kAvx2Vectors = kTable;

}  // namespace tersor::kernels
