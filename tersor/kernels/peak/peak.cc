#include "tersor/kernels/peak/peak.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>

#include "tersor/kernels/peak/loops.h"

namespace tersor::kernels::peak {
namespace {

struct Row {
  CpuLevel level;
  Loop f32, int8;
};

constexpr Row kRows[] = {
#define KERNEL(name, level, f32, int8) {CpuLevel::level, &f32, &int8},
#include "tersor/kernels/peak/kernels.inc"
#undef KERNEL
};

double BestGops(Loop loop) {
  using Clock = std::chrono::steady_clock;
  constexpr int kTries = 20;
  constexpr int64_t kRounds = 100'000;
  double best = 0;
  for (int i = 0; i < kTries; ++i) {
    float sink = 0.5f;
    const auto begin = Clock::now();
    const auto operations = static_cast<double>(loop(kRounds, &sink));
    const double ns = std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
    best = std::max(best, operations / std::max(ns, 1.0));
  }
  return best;
}

}  // namespace

Peak MeasurePeak(CpuFeatures cpu) {
  static std::mutex mutex;
  static auto* measured = new std::map<CpuLevel, Peak>();
  std::lock_guard lock(mutex);
  for (const Row& row : kRows) {
    if (!cpu.Has(row.level)) continue;
    auto found = measured->find(row.level);
    if (found == measured->end()) {
      found = measured->emplace(row.level, Peak{BestGops(row.f32), BestGops(row.int8)}).first;
    }
    return found->second;
  }
  return {};
}

}  // namespace tersor::kernels::peak
