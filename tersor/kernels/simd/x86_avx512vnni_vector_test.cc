#include "tersor/kernels/simd/vector_testing-inl.h"

namespace tersor::kernels {

constinit const VectorTable kAvx512VnniVectors = kTable;

}  // namespace tersor::kernels
