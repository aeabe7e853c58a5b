// What a gradient function works with. Private to transforms/.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/ir/graph.h"

namespace tersor::transforms {

/// The gradient of one node: reads the gradients of its results, adds to those of its operands.
class GradientContext {
 public:
  GradientContext(ir::Graph& graph, std::vector<ir::ValueId>& gradients,
                  const std::vector<bool>& wanted)
      : graph_(graph), gradients_(gradients), wanted_(wanted) {}

  void set_node(const ir::Node* node) { node_ = node; }
  ir::Graph& graph() { return graph_; }
  const ir::Node& node() const { return *node_; }
  const Attributes& attributes() const { return node_->attributes(); }
  ir::ValueId operand(int i) const { return node_->operand(i); }
  ir::ValueId result(int i = 0) const { return node_->result(i); }
  const Shape& shape_of(ir::ValueId id) const { return graph_.value(id).type().shape; }
  /// Whether the gradient of operand `i` is needed.
  bool Wants(int i) const {
    return operand(i) != ir::kNoValue && wanted_[static_cast<size_t>(operand(i))];
  }
  /// The gradient with respect to the first result; where the node has a fused activation, with
  /// respect to what the activation is applied to.
  Result<ir::ValueId> ResultGradient();

  /// Adds a node and returns its first result.
  Result<ir::ValueId> Add(ir::OpKind op, std::vector<ir::ValueId> operands,
                          Attributes attributes = {});
  /// Adds `gradient` to the gradient of operand `i`. Does nothing where that one is not needed.
  Status Accumulate(int i, ir::ValueId gradient);
  /// `gradient` summed over the axes along which operand `i` was broadcast, in operand `i`'s shape.
  Result<ir::ValueId> Unbroadcast(ir::ValueId gradient, int i);

 private:
  ir::Graph& graph_;
  std::vector<ir::ValueId>& gradients_;  // by value id of the graph before differentiation
  const std::vector<bool>& wanted_;
  const ir::Node* node_ = nullptr;
};

#define GRADIENT(op) Status Gradient##op(GradientContext& context);
#include "tersor/transforms/gradients.inc"
#undef GRADIENT

}  // namespace tersor::transforms
