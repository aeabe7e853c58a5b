// The shape-and-type rule of every operator: tersor/ir/shape_rules/*.cc, one function an operator,
// found through ops.inc.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/ir/op.h"

namespace tersor::ir {

/// Limits of every tensor of a graph, so that kernels and planners can count without overflow.
inline constexpr int kMaxRank = 8;
inline constexpr int64_t kMaxExtent = INT32_MAX;
inline constexpr int64_t kMaxElements = int64_t{1} << 40;  ///< a symbolic extent counts as 1

/// Whether a tensor may have this type: rank and extents within the limits, each extent positive or
/// symbolic; quantization only on integers, with scales positive and
/// finite, as many as the extent of its axis (or one), and zero points in the range of the type.
Status CheckType(const TensorType& type);

/// Whether `op` may have these attributes: only its own, of the type that attributes.inc says,
/// the required ones present, no NaN, activations known.
Status CheckAttributes(OpKind op, const Attributes& attributes);

/// Types of the results of `op` for these operands (null where an optional one is absent), or what
/// is wrong with them: "conv2d: filter has 16 input channels, input has 12 of them in 1 group".
/// Symbolic extents go through where the result can be named: two of them are equal when their
/// names are, and arithmetic on one (a concatenation or padding along it, a strided window) is
/// refused. Rules never multiply extents into an overflow. `hint`: dtype and quantization of the
/// first result (its shape is ignored). They are free for results of integer operators (their scale
/// is the quantizer's choice) and for `quantize`; elsewhere (f32, integer `reshape`, `max_pool2d`,
/// ...) they must equal what the operands give. Without a hint an operator whose operands are all
/// f32 gives f32, one that moves integers gives the operand's type, and one whose scale is free
/// fails. docs/ir.md says which element types each operator takes.
Result<std::vector<TensorType>> InferTypes(OpKind op, std::span<const TensorType* const> operands,
                                           const Attributes& attributes,
                                           const std::optional<TensorType>& hint);

}  // namespace tersor::ir
