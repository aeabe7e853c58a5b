// What the rows of this family share.
#pragma once

#include <cmath>
#include <memory>

#include "tersor/kernels/batch_norm/batch_norm.h"

namespace tersor::kernels::batch_norm {

struct Extents {
  int64_t cells, channels;
  double epsilon;
};
/// The extents of operand 0; false when an operand or a result is not f32, or the spec has an
/// epilogue.
bool ReadExtents(const KernelSpec& spec, Extents& extents);

inline double InverseDeviation(float variance, double epsilon) {
  return 1 / std::sqrt(double{variance} + epsilon);
}

/// The last row of each operator: the definition.
std::unique_ptr<Kernel> MakeBatchNormReference(const KernelSpec& spec);
std::unique_ptr<Kernel> MakeBatchNormMomentsReference(const KernelSpec& spec);
std::unique_ptr<Kernel> MakeBatchNormStatisticsReference(const KernelSpec& spec);
std::unique_ptr<Kernel> MakeBatchNormGradSumsReference(const KernelSpec& spec);
std::unique_ptr<Kernel> MakeBatchNormGradReference(const KernelSpec& spec);

}  // namespace tersor::kernels::batch_norm
