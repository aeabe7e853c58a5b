#include "tersor/kernels/elementwise/broadcast.h"

#include <algorithm>

namespace tersor::kernels::elementwise {
namespace {

int64_t ExtentFromRight(const Shape& shape, int axis) {
  return axis < shape.rank() ? shape[shape.rank() - 1 - axis] : 1;
}

/// Merged axes, innermost first. A step of 0 means that the operand stays where it is.
std::vector<Broadcast::Axis> MergedAxes(const Shape& lhs, const Shape& rhs) {
  std::vector<Broadcast::Axis> axes;
  int64_t lhs_step = 1, rhs_step = 1;
  for (int axis = 0; axis < std::max(lhs.rank(), rhs.rank()); ++axis) {
    const int64_t lhs_extent = ExtentFromRight(lhs, axis), rhs_extent = ExtentFromRight(rhs, axis);
    const int64_t extent = lhs_extent == 1 ? rhs_extent : lhs_extent;
    if (extent == 1) continue;
    const Broadcast::Axis next{extent, lhs_extent == 1 ? 0 : lhs_step,
                               rhs_extent == 1 ? 0 : rhs_step};
    if (!axes.empty() && (axes.back().lhs_step == 0) == (next.lhs_step == 0) &&
        (axes.back().rhs_step == 0) == (next.rhs_step == 0)) {
      axes.back().extent *= extent;
    } else {
      axes.push_back(next);
    }
    lhs_step *= lhs_extent;
    rhs_step *= rhs_extent;
  }
  return axes;
}

}  // namespace

bool BroadcastShape(const Shape& lhs, const Shape& rhs, Shape* result) {
  const int rank = std::max(lhs.rank(), rhs.rank());
  std::vector<int64_t> dims(static_cast<size_t>(rank));
  for (int axis = 0; axis < rank; ++axis) {
    const int64_t a = ExtentFromRight(lhs, axis), b = ExtentFromRight(rhs, axis);
    if (a != b && a != 1 && b != 1) return false;
    dims[static_cast<size_t>(rank - 1 - axis)] = a == 1 ? b : a;
  }
  *result = Shape(std::move(dims));
  return true;
}

Broadcast Broadcast::Plan(const Shape& lhs, const Shape& rhs) {
  Broadcast plan;
  std::vector<Axis> axes = MergedAxes(lhs, rhs);
  size_t used = 0;
  if (!axes.empty()) {
    const Axis& inner = axes[0];
    plan.run = inner.extent;
    used = 1;
    if (inner.lhs_step == 0) plan.lhs_period = 1;
    if (inner.rhs_step == 0) plan.rhs_period = 1;
    // A dense inner axis under one that repeats an operand: the operand has that period in the
    // joint run.
    if (plan.lhs_period == kDense && plan.rhs_period == kDense && axes.size() > 1 &&
        inner.extent <= kLongestPeriod) {
      if (axes[1].lhs_step == 0) plan.lhs_period = inner.extent;
      if (axes[1].rhs_step == 0) plan.rhs_period = inner.extent;
      plan.run *= axes[1].extent;
      used = 2;
    }
  }
  plan.outer.assign(axes.rbegin(), axes.rend() - static_cast<std::ptrdiff_t>(used));
  return plan;
}

int64_t Broadcast::runs() const {
  int64_t count = 1;
  for (const Axis& axis : outer) count *= axis.extent;
  return count;
}

Broadcast::Offsets Broadcast::OffsetsOf(int64_t index) const {
  Offsets offsets{0, 0};
  for (auto axis = outer.rbegin(); axis != outer.rend(); ++axis) {
    const int64_t at = index % axis->extent;
    index /= axis->extent;
    offsets.lhs += at * axis->lhs_step;
    offsets.rhs += at * axis->rhs_step;
  }
  return offsets;
}

}  // namespace tersor::kernels::elementwise
