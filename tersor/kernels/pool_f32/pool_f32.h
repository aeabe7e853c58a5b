// Pooling of f32 images [N,H,W,C], and its gradients.
//
//   MaxPool2d      output = activation(maximum of the window's cells inside the image)
//   AvgPool2d      mean = activation(sum of those cells / their count); count_padding divides by
//                  the window's whole area instead
//   MaxPool2dGrad  input_gradient = sum over the windows whose first largest cell (row by row) this
//                  is, of the window's gradient
//   AvgPool2dGrad  input_gradient = sum over the windows that hold the cell, of gradient / divisor
//
// A window that covers no cell of the image is refused. Nothing aliases. MaxPool2d is exact, its
// gradient exact where windows do not overlap; otherwise tolerance 1e-6 of the sum of magnitudes.
// NaNs give unspecified cells. Floor: the bytes of operands and results, once.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::pool_f32 {

std::span<const KernelRow> MaxPool2dRows();
std::span<const KernelRow> AvgPool2dRows();
std::span<const KernelRow> MaxPool2dGradRows();
std::span<const KernelRow> AvgPool2dGradRows();

}  // namespace tersor::kernels::pool_f32
