#include "tersor/kernels/simd/vector_testing-inl.h"

namespace tersor::kernels {

constinit const VectorTable kScalarVectors = kTable;

}  // namespace tersor::kernels
