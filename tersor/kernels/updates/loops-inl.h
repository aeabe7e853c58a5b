// The loops of loops.h over the vector of the including file.
#pragma once

#include "tersor/kernels/simd/vector.h"
#include "tersor/kernels/updates/formulas-inl.h"

namespace tersor::kernels::updates {
namespace {

struct VectorArithmetic {
  static F32 Fill(float x) { return F32::Fill(x); }
  static F32 SquareRoot(F32 x) { return Sqrt(x); }
};

struct VectorMemory : VectorArithmetic {
  static constexpr int kLanes = kernels::kLanes;
  static F32 Load(const float* p) { return F32::Load(p); }
  static void Store(float* p, F32 v) { v.Store(p); }

  struct Part : VectorArithmetic {
    explicit Part(int64_t lanes) : count(lanes) {}
    int64_t count;
    F32 Load(const float* p) const { return F32::LoadPart(p, count); }
    void Store(float* p, F32 v) const { v.StorePart(p, count); }
  };
};

constexpr Loops kLoops = kLoopsOf<VectorMemory>;

}  // namespace
}  // namespace tersor::kernels::updates
