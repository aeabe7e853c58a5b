#include "tersor/kernels/simd/integer_peak_loop.h"

namespace tersor::kernels {

int32_t RunPairPeakAvx512(int rounds, int* products) {
  *products = kPeakProducts * 2;
  return RunPeak<DotPairs>(rounds);
}

}  // namespace tersor::kernels
