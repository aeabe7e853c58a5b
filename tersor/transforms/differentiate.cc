#include "tersor/transforms/differentiate.h"

#include <algorithm>

#include "tersor/transforms/gradient_context.h"

namespace tersor::transforms {
namespace {

using ir::kNoValue;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

using GradientFunction = Status (*)(GradientContext&);

GradientFunction FunctionFor(OpKind op) {
  switch (op) {
#define GRADIENT(op)  \
  case OpKind::k##op: \
    return &Gradient##op;
#include "tersor/transforms/gradients.inc"
#undef GRADIENT
    default:
      return nullptr;
  }
}

// Values through which `value` depends on one of `targets`.
std::vector<bool> FindWanted(const ir::Graph& graph, std::span<const ValueId> targets) {
  std::vector<bool> wanted(static_cast<size_t>(graph.num_values()), false);
  for (ValueId id : targets) wanted[static_cast<size_t>(id)] = true;
  for (const auto& node : graph.nodes()) {
    const bool depends =
        std::any_of(node->operands().begin(), node->operands().end(),
                    [&](ValueId id) { return id != kNoValue && wanted[static_cast<size_t>(id)]; });
    if (!depends) continue;
    for (ValueId id : node->results()) wanted[static_cast<size_t>(id)] = true;
  }
  return wanted;
}

// The statistics of a training batch norm need no gradient of their own: that of the batch norm
// already takes into account how they depend on its input.
bool BelongsToBatchNorm(OpKind op) {
  return op == OpKind::kBatchNormMoments || op == OpKind::kBatchNormStatistics;
}

}  // namespace

bool HasGradient(OpKind op) { return FunctionFor(op) != nullptr; }

Result<ValueId> GradientContext::Add(OpKind op, std::vector<ValueId> operands,
                                     Attributes attributes) {
  TERSOR_ASSIGN_OR_RETURN(Node * node,
                          graph_.AddNode(op, std::move(operands), std::move(attributes)));
  return node->result();
}

Result<ValueId> GradientContext::ResultGradient() {
  const ValueId gradient = gradients_[static_cast<size_t>(result())];
  if (!node_->info().HasAttribute(Attr::activation)) return gradient;
  const Activation activation = attributes().ActivationOf();
  if (activation == Activation::kNone) return gradient;
  return Add(ir::GradientOpFor(activation), {gradient, result()});
}

Status GradientContext::Accumulate(int i, ValueId gradient) {
  if (!Wants(i)) return OkStatus();
  ValueId& sum = gradients_[static_cast<size_t>(operand(i))];
  if (sum == kNoValue) {
    sum = gradient;
    return OkStatus();
  }
  TERSOR_ASSIGN_OR_RETURN(sum, Add(OpKind::kAdd, {sum, gradient}));
  return OkStatus();
}

Result<ValueId> GradientContext::Unbroadcast(ValueId gradient, int i) {
  const Shape from = shape_of(gradient), to = shape_of(operand(i));
  if (from == to) return gradient;
  std::vector<int64_t> axes;
  const int lead = from.rank() - to.rank();
  for (int axis = 0; axis < from.rank(); ++axis) {
    if (axis < lead || (to[axis - lead] == 1 && from[axis] != 1)) axes.push_back(axis);
  }
  Attributes reduce;
  reduce.Set(Attr::axes, axes).Set(Attr::keep_dims, true);
  TERSOR_ASSIGN_OR_RETURN(ValueId sum, Add(OpKind::kReduceSum, {gradient}, reduce));
  if (shape_of(sum) == to) return sum;
  return Add(OpKind::kReshape, {sum}, Attributes().Set(Attr::shape, to.dims()));
}

Result<std::vector<ValueId>> Differentiate(ir::Graph& graph, ValueId value, ValueId seed,
                                           std::span<const ValueId> targets) {
  if (graph.value(seed).type() != graph.value(value).type()) {
    return InvalidArgument("differentiate: the seed is ", graph.value(seed).type().ToString(),
                           ", the value ", graph.value(value).type().ToString());
  }
  const std::vector<bool> wanted = FindWanted(graph, targets);
  std::vector<ValueId> gradients(static_cast<size_t>(graph.num_values()), kNoValue);
  gradients[static_cast<size_t>(value)] = seed;

  GradientContext context(graph, gradients, wanted);
  const std::vector<Node*> nodes = graph.SnapshotNodes();
  for (size_t i = nodes.size(); i-- > 0;) {
    const Node& node = *nodes[i];
    const bool reached = std::any_of(node.results().begin(), node.results().end(), [&](ValueId id) {
      return gradients[static_cast<size_t>(id)] != kNoValue;
    });
    const bool wants = std::any_of(node.operands().begin(), node.operands().end(), [&](ValueId id) {
      return id != kNoValue && wanted[static_cast<size_t>(id)];
    });
    if (!reached || !wants || BelongsToBatchNorm(node.op())) continue;
    GradientFunction function = FunctionFor(node.op());
    if (function == nullptr) {
      return Unsupported("differentiate: ", node.info().text_name, " has no gradient");
    }
    context.set_node(&node);
    Status status = function(context);
    if (!status.ok()) {
      return status.WithContext(StrCat("gradient of ", node.info().text_name));
    }
  }
  std::vector<ValueId> results;
  for (ValueId id : targets) results.push_back(gradients[static_cast<size_t>(id)]);
  return results;
}

}  // namespace tersor::transforms
