// The shape-and-type rule of every operator: tersor/ir/shape_rules/*.cc, one function an operator,
// found through ops.inc.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/ir/op.h"

namespace tersor::ir {

/// Types of the results of `op` for these operands (null where an optional one is absent), or what
/// is wrong with them: "conv2d: filter has 16 input channels, input has 12 of them in 1 group". A
/// symbolic batch goes through; rules never multiply extents into an overflow. `hint`: dtype and
/// quantization of the first result where they are free: results of integer operators (their scale
/// is the quantizer's choice), of `quantize` and of integer `reshape`, `max_pool2d`, ... where it
/// must equal the operand's. Without a hint an operator whose operands are all f32 gives f32, and
/// one that moves integers gives the operand's type.
Result<std::vector<TensorType>> InferTypes(OpKind op, std::span<const TensorType* const> operands,
                                           const Attributes& attributes,
                                           const std::optional<TensorType>& hint);

}  // namespace tersor::ir
