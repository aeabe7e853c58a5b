// What the rows of this family share.
#pragma once

#include <memory>

#include "tersor/kernels/pool_f32/pool_f32.h"
#include "tersor/kernels/pool_f32/pool_geometry.h"

namespace tersor::kernels::pool_f32 {

/// The geometry of MaxPool2d or AvgPool2d, or of their gradients; false when it is not all f32, has
/// an epilogue, or PoolGeometry refuses it.
bool ReadForward(const KernelSpec& spec, PoolGeometry& geometry);
bool ReadGradient(const KernelSpec& spec, PoolGeometry& geometry);

/// The last row of each operator: the definition.
std::unique_ptr<Kernel> MakeMaxPool2dReference(const KernelSpec& spec);
std::unique_ptr<Kernel> MakeAvgPool2dReference(const KernelSpec& spec);
std::unique_ptr<Kernel> MakeMaxPool2dGradReference(const KernelSpec& spec);
std::unique_ptr<Kernel> MakeAvgPool2dGradReference(const KernelSpec& spec);

}  // namespace tersor::kernels::pool_f32
