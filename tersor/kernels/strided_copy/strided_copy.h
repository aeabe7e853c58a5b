// Operators that read their input in another order and compute nothing: Slice and BroadcastTo.
//
//   y[i0, ..., ik] = x[begin + sum over axes of i * stride]
//
// where a broadcast axis has stride 0. Any element type of whole bytes. Exact. Floor: one read and
// one write of the result. One row; the innermost run is a memcpy (slice) or a fill (broadcast).
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::strided_copy {

std::span<const KernelRow> SliceRows();
std::span<const KernelRow> BroadcastToRows();

}  // namespace tersor::kernels::strided_copy
