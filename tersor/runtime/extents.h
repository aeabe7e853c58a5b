// What symbolic extents become when a graph is compiled.
#pragma once

#include <span>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/ir/graph.h"
#include "tersor/runtime/compile_options.h"

namespace tersor::runtime {

/// Whether the options can bind a graph: the batch and every extent are from 1 to ir::kMaxExtent,
/// and every name in `options.extents` is one of a symbolic extent of the graph other than N, which
/// `options.batch` binds.
Status CheckExtents(const ir::Graph& graph, const CompileOptions& options);

/// The type of a value with its symbolic extents bound. Fails where an extent has no binding, and
/// where the size of the tensor overflows.
Result<TensorType> BindExtents(const TensorType& type, const CompileOptions& options);

/// Sets the batch and the extents of `options` to those that the inputs have; an extent that no
/// input decides stays as it was. Fails where two inputs disagree. Inputs whose rank differs from
/// that of the graph's input are left to the executable to refuse.
Status TakeExtents(const ir::Graph& graph, std::span<const Tensor> inputs, CompileOptions& options);

}  // namespace tersor::runtime
