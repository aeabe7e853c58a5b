// What the rows of this family share.
#pragma once

#include "tersor/kernels/pool_f32/pool_f32.h"
#include "tersor/kernels/pool_f32/pool_geometry.h"

namespace tersor::kernels::pool_f32 {

/// The geometry of MaxPool2d or AvgPool2d, or of their gradients; false when it is not all f32, has
/// an epilogue, or PoolGeometry refuses it.
bool ReadForward(const KernelSpec& spec, PoolGeometry& geometry);
bool ReadGradient(const KernelSpec& spec, PoolGeometry& geometry);

/// The last row of each operator: the definition. A gradient has no activation.
void MaxPoolReference(const PoolGeometry& g, Activation activation, const KernelCall& call);
void AvgPoolReference(const PoolGeometry& g, Activation activation, const KernelCall& call);
void MaxPoolGradReference(const PoolGeometry& g, Activation none, const KernelCall& call);
void AvgPoolGradReference(const PoolGeometry& g, Activation none, const KernelCall& call);

}  // namespace tersor::kernels::pool_f32
