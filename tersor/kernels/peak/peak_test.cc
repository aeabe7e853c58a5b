#include "tersor/kernels/peak/peak.h"

#include <gtest/gtest.h>

namespace tersor::kernels::peak {
namespace {

TEST(Peak, BetterInstructionsAreFaster) {
  const CpuFeatures machine = CpuFeatures::Machine();
  const Peak best = MeasurePeak(machine), reference = MeasurePeak(machine.CappedAt(CpuLevel::kAny));
  EXPECT_GT(reference.f32_gops, 0.05);
  EXPECT_GT(reference.int8_gops, 0.05);
#if defined(TERSOR_EMULATE_AVX512)
  GTEST_SKIP() << "emulated instructions are slower than the reference";
#endif
  if (machine.best() == CpuLevel::kAny) GTEST_SKIP() << "this CPU has the reference level alone";
  EXPECT_GT(best.f32_gops, reference.f32_gops);
  EXPECT_GT(best.int8_gops, best.f32_gops * 0.9);
}

TEST(Peak, IsMeasuredOnce) {
  const Peak first = MeasurePeak(CpuFeatures::Machine()),
             again = MeasurePeak(CpuFeatures::Machine());
  EXPECT_EQ(first.f32_gops, again.f32_gops);
}

}  // namespace
}  // namespace tersor::kernels::peak
