#include <cmath>

#include "tersor/kernels/updates/formulas-inl.h"

namespace tersor::kernels::updates {
namespace {

struct ScalarMemory {
  static constexpr int kLanes = 1;
  static float Load(const float* p) { return *p; }
  static void Store(float* p, float x) { *p = x; }
  static float Fill(float x) { return x; }
  static float SquareRoot(float x) { return std::sqrt(x); }
};

}  // namespace

constinit const Loops kReferenceLoops = kLoopsOf<ScalarMemory>;

}  // namespace tersor::kernels::updates
