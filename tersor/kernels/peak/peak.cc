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
  const Loops& loops;
};

constexpr Row kRows[] = {
#define LOOPS(name, level, loops) {CpuLevel::level, loops},
#include "tersor/kernels/peak/kernels.inc"
#undef LOOPS
};

double BestGops(int64_t (*loop)(int64_t rounds, float* sink)) {
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
      found = measured->emplace(row.level, Peak{BestGops(row.loops.f32), BestGops(row.loops.int8)})
                  .first;
    }
    return found->second;
  }
  return {};
}

}  // namespace tersor::kernels::peak
