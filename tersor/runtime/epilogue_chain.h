// Which operators behind a node its kernel may do before it stores the result.
#pragma once

#include <vector>

#include "tersor/ir/graph.h"
#include "tersor/runtime/plan.h"

namespace tersor::runtime {

/// What the search has to know about a graph that is being planned.
struct ChainContext {
  const ir::Graph& graph;
  const std::vector<int>& uses;          ///< by value: ir::Graph::UseCounts()
  const std::vector<TensorType>& types;  ///< by value, concrete
  const std::vector<bool>& constant;     ///< by value
  const std::vector<size_t>& position;   ///< by value: place of its producer in the graph

  const TensorType& type(ir::ValueId id) const { return types[static_cast<size_t>(id)]; }
  bool is_constant(ir::ValueId id) const { return constant[static_cast<size_t>(id)]; }
};

struct EpilogueLink {
  const ir::Node* node = nullptr;
  PlannedLink planned;
};

/// The longest chain of additions, multiplications and max pools behind the node at `position`,
/// each of which only reads the result before it and what is known by then: a constant (one
/// element, or one for each element of the last axis), or (additions) a tensor of the same shape
/// that an input holds or an earlier node makes. Only operators with the
/// trait `epilogue` have one, and only those with the trait `link` stand in it.
std::vector<EpilogueLink> FindEpilogueChain(const ChainContext& context, const ir::Node& node,
                                            size_t position);

}  // namespace tersor::runtime
