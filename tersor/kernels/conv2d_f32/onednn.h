// The gradients of a convolution through oneDNN, for the families of both.
#pragma once

#include <memory>

#include "tersor/kernels/conv2d_f32/geometry.h"

namespace tersor::kernels::conv2d_f32 {

/// `geometry` is the forward convolution's. Operands and result as Conv2dGradInput and
/// Conv2dGradFilter (without padding value) have them. Null where the library has no such kernel.
std::unique_ptr<Kernel> MakeOneDnnGradInput(const Geometry& geometry);
std::unique_ptr<Kernel> MakeOneDnnGradFilter(const Geometry& geometry);

}  // namespace tersor::kernels::conv2d_f32
