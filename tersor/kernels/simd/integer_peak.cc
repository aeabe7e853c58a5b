#include "tersor/kernels/simd/integer_peak.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace tersor::kernels {
namespace {

double Measure(int32_t (*run)(int rounds, int* products)) {
  constexpr int kRounds = 4000;
  double best = 0;
  int products = 0;
  for (int repeat = 0; repeat < 20; ++repeat) {
    const auto begin = std::chrono::steady_clock::now();
    volatile int32_t kept = run(kRounds, &products);
    static_cast<void>(kept);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    best = std::max(best, double(products) * kRounds / seconds.count());
  }
  return best;
}

}  // namespace

double PeakProductsPerSecond(CpuLevel level) {
  if (!CpuFeatures::Machine().Has(level)) return 0;
#if defined(__x86_64__)
  if (level == CpuLevel::kAvx2) {
    static const double peak = Measure(RunPairPeakAvx2);
    return peak;
  }
  if (level == CpuLevel::kAvx512) {
    static const double peak = Measure(RunPairPeakAvx512);
    return peak;
  }
  if (level == CpuLevel::kAvx512Vnni) {
    static const double peak = Measure(RunQuadPeakAvx512Vnni);
    return peak;
  }
#endif
  return 0;
}

}  // namespace tersor::kernels
