// What a graph costs, from its shapes alone.
#pragma once

#include <cstdint>
#include <functional>

#include "tersor/ir/graph.h"

namespace tersor::ir {

/// Multiply-accumulates of one node for one example (symbolic extents count as 1): convolutions and
/// their gradients, fully_connected, mat_mul. 0 for every other operator, as the field counts them.
/// Saturates.
int64_t MacsOf(const Graph& graph, const Node& node);
/// The same for shapes that have been bound.
int64_t MacsOf(const Node& node, const std::function<const Shape&(ValueId)>& shape);
int64_t MacsOf(const Graph& graph);

/// Bytes of the dense data of all variables.
int64_t VariableBytes(const Graph& graph);

}  // namespace tersor::ir
