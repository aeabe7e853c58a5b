// Between real numbers and integers, and between element types.
//
//   quantize     f32 -> i8, u8, i16, i32
//                    q = clamp(rne(x * (1 / scale)) + zero_point), the inverse rounded once to f32;
//                    NaN becomes the smallest q
//                i8, u8, i16, i32 -> i8, u8, i16, i32
//                    a change of scale (rescale.h), per tensor
//   dequantize   i4, i8, u8, i16, i32 -> f32
//                    scale * (q - zero_point)
//   cast         any type -> any type
//                    to integers: toward zero, saturated, NaN becomes 0; to bool: not 0; to floats:
//                    to the nearest, ties to even; quantization parameters play no role
//
// Operand and result have one shape. Quantization with f32 on the other side may be per tensor or
// per channel, with one scale for each index of the axis. i4 is packed as base/dtypes.inc says.
// Bit-exact on every row. No aliasing between types of different width. Floor: one read and one
// write.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::quantize {

std::span<const KernelRow> CastRows();
std::span<const KernelRow> DequantizeRows();
std::span<const KernelRow> QuantizeRows();

}  // namespace tersor::kernels::quantize
