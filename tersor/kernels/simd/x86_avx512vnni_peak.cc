#include "tersor/kernels/simd/integer_peak_loop.h"

namespace tersor::kernels {

int32_t RunQuadPeakAvx512Vnni(int rounds, int* products) {
  *products = kPeakProducts * 4;
  return RunPeak<DotQuads>(rounds);
}

}  // namespace tersor::kernels
