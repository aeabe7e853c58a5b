// What the rows of this family share.
#pragma once

#include <cmath>

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
void NormReference(const Extents& extents, const KernelCall& call);
void MomentsReference(const Extents& extents, const KernelCall& call);
void StatisticsReference(const Extents& extents, const KernelCall& call);
void GradSumsReference(const Extents& extents, const KernelCall& call);
void GradReference(const Extents& extents, const KernelCall& call);

}  // namespace tersor::kernels::batch_norm
