// Pooling of i8 and u8 images [N,H,W,C], bit-exact by docs/integer-arithmetic.md.
//
//   MaxPool2d  the largest integer of the window's cells inside the image, clamped to the range of
//              the activation; input and output have the same quantization
//   AvgPool2d  acc = sum of (q - zero_in) over those cells, multiplier = scale_in / (scale_out * n)
//              with n their count, or with count_padding the window's whole area; where the scale
//              and the zero point stay, the mean of the integers, rounded half away from zero
//
// Both are quantized per tensor. A window that covers no cell, or whose sum could leave int32, is
// refused. Nothing aliases. Floor: the bytes of input and output, once.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::pool_int8 {

std::span<const KernelRow> MaxPool2dRows();
std::span<const KernelRow> AvgPool2dRows();

}  // namespace tersor::kernels::pool_int8
