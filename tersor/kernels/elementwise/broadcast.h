// How a binary operator walks over two operands whose shapes broadcast.
#pragma once

#include <cstdint>
#include <vector>

#include "tersor/base/tensor.h"

namespace tersor::kernels::elementwise {

/// The shape that both broadcast to, aligned at the last axis; an extent of 1 stretches. False when
/// they do not match.
bool BroadcastShape(const Shape& lhs, const Shape& rhs, Shape* result);

/// The result cut into runs of consecutive elements. Within a run an operand is dense (element i),
/// or periodic (element i modulo its period; period 1 is a scalar). Axes that behave alike are
/// merged, so that the run is as long as it can be.
struct Broadcast {
  static constexpr int64_t kDense = 0;
  /// A longer stretch that repeats becomes a run of its own instead of a period.
  static constexpr int64_t kLongestPeriod = 4096;

  int64_t run = 1;              ///< elements of a run
  int64_t lhs_period = kDense;  ///< kDense, or the period; at most one operand is periodic
  int64_t rhs_period = kDense;
  /// Axes outside of a run, outermost first, with the operands' steps in elements.
  struct Axis {
    int64_t extent, lhs_step, rhs_step;
  };
  std::vector<Axis> outer;

  int64_t runs() const;
  /// First elements of both operands in run number `index`.
  struct Offsets {
    int64_t lhs, rhs;
  };
  Offsets OffsetsOf(int64_t index) const;

  /// The shapes must broadcast.
  static Broadcast Plan(const Shape& lhs, const Shape& rhs);
};

}  // namespace tersor::kernels::elementwise
