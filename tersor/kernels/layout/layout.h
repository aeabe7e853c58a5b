// Operators that move elements and do no arithmetic on them.
//
//   reshape    the same elements in another shape
//   transpose  axis k of the result is axis permutation[k] of the input
//   concat     list_inputs one behind the other along `axis` (from the end where negative)
//   pad        input with pads[2k] cells before and pads[2k+1] cells behind along axis k; the
//              cells hold `value`, quantized where the result is
//
// Any element type of whole bytes, the same for operands and result; reshape also i4 where the rows
// of the last axis keep their bytes. Quantized operands may differ from the result in scale and
// zero point: their elements change scale (quantize/rescale.h); with equal parameters they are
// copied, and per-channel parameters must be equal. Bit-exact. A result of reshape may alias its
// operand; no other may. Floor: one read and one write.
#pragma once

#include <span>

#include "tersor/kernels/kernel.h"

namespace tersor::kernels::layout {

std::span<const KernelRow> ConcatRows();
std::span<const KernelRow> PadRows();
std::span<const KernelRow> ReshapeRows();
std::span<const KernelRow> TransposeRows();

}  // namespace tersor::kernels::layout
