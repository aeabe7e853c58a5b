// Updates for the vector width of the file that includes it.
#pragma once

#include "tersor/kernels/simd/x86_vector.h"
#include "tersor/kernels/updates/update_kernel.h"

namespace tersor::kernels::updates {
namespace {

struct VectorArithmetic {
  static Vector Fill(float x) { return Vector::Fill(x); }
  static Vector SquareRoot(Vector x) { return Vector::Sqrt(x); }
};

struct VectorMemory : VectorArithmetic {
  static constexpr int kLanes = Vector::kLanes;
  static Vector Load(const float* p) { return Vector::Load(p); }
  static void Store(float* p, Vector v) { v.Store(p); }

  struct Part : VectorArithmetic {
    explicit Part(int lanes) : count(lanes) {}
    int count;
    Vector Load(const float* p) const { return Vector::LoadPart(p, count); }
    void Store(float* p, Vector v) const { v.StorePart(p, count); }
  };
};

template <typename Formula>
std::unique_ptr<Kernel> Make(const KernelSpec& spec) {
  if (!Accepts(spec)) return nullptr;
  return std::make_unique<UpdateKernel<Formula, VectorMemory>>(*spec.attributes);
}

}  // namespace
}  // namespace tersor::kernels::updates
