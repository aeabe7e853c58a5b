#include "tersor/training/step_updates.h"

namespace tersor::training {
namespace {

using ir::Graph;
using ir::kNoValue;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

// Weight decay is for filters: biases and batch norms are vectors.
bool Decays(const Graph& graph, ValueId variable) {
  return graph.value(variable).type().shape.rank() > 1;
}

Result<ValueId> AddState(Graph& graph, ValueId variable, std::string_view suffix) {
  const ir::Value& value = graph.value(variable);
  TERSOR_ASSIGN_OR_RETURN(Tensor zeros, Tensor::Create(value.type()));
  return graph.AddVariable(StrCat(value.name(), '.', suffix), std::move(zeros), false);
}

Status UseBatchStatistics(Graph& graph, Node* node, std::vector<MovingUpdate>& updates) {
  const ValueId input = node->operand(0), mean = node->operand(3), variance = node->operand(4);
  if (!graph.value(mean).is_variable() || !graph.value(variance).is_variable()) return OkStatus();
  TERSOR_ASSIGN_OR_RETURN(
      Node * moments, graph.AddNode(OpKind::kBatchNormMoments, {input}, {}, std::nullopt, node));
  TERSOR_ASSIGN_OR_RETURN(Node * sums, graph.AddNode(OpKind::kAllReduceSum, {moments->result()}, {},
                                                     std::nullopt, node));
  TERSOR_ASSIGN_OR_RETURN(
      Node * statistics,
      graph.AddNode(OpKind::kBatchNormStatistics, {sums->result()}, {}, std::nullopt, node));
  graph.SetOperand(node, 3, statistics->result(0));
  graph.SetOperand(node, 4, statistics->result(1));
  updates.push_back({mean, statistics->result(0)});
  updates.push_back({variance, statistics->result(1)});
  return OkStatus();
}

}  // namespace

Status EnterTrainingMode(Graph& graph, std::span<Node* const> nodes, ValueId counter,
                         std::vector<MovingUpdate>& updates) {
  for (Node* node : nodes) {
    if (node->op() == OpKind::kDropout) graph.SetOperand(node, 1, counter);
    if (node->op() != OpKind::kBatchNorm) continue;
    TERSOR_RETURN_IF_ERROR(UseBatchStatistics(graph, node, updates));
  }
  return OkStatus();
}

Status AddOptimizerUpdate(Graph& graph, const OptimizerOptions& options, ValueId variable,
                          ValueId gradient, ValueId learning_rate, ValueId step_number) {
  Attributes attributes;
  if (Decays(graph, variable)) attributes.Set(Attr::weight_decay, options.weight_decay);
  if (options.kind == OptimizerKind::kSgd) {
    ValueId velocity = kNoValue;
    if (options.momentum > 0) {
      TERSOR_ASSIGN_OR_RETURN(velocity, AddState(graph, variable, "velocity"));
      attributes.Set(Attr::momentum, options.momentum).Set(Attr::nesterov, options.nesterov);
    }
    return graph
        .AddNode(OpKind::kSgdUpdate, {variable, gradient, velocity, learning_rate}, attributes)
        .status();
  }
  attributes.Set(Attr::beta1, options.beta1)
      .Set(Attr::beta2, options.beta2)
      .Set(Attr::epsilon, options.epsilon)
      .Set(Attr::decoupled, options.kind == OptimizerKind::kAdamW);
  TERSOR_ASSIGN_OR_RETURN(ValueId moment1, AddState(graph, variable, "moment1"));
  TERSOR_ASSIGN_OR_RETURN(ValueId moment2, AddState(graph, variable, "moment2"));
  return graph
      .AddNode(OpKind::kAdamUpdate,
               {variable, gradient, moment1, moment2, learning_rate, step_number}, attributes)
      .status();
}

Status AddMovingUpdates(Graph& graph, std::span<const MovingUpdate> updates, double momentum) {
  Attributes attributes;
  attributes.Set(Attr::decay, momentum);
  for (const MovingUpdate& update : updates) {
    TERSOR_RETURN_IF_ERROR(
        graph.AddNode(OpKind::kMovingAverageUpdate, {update.variable, update.statistic}, attributes)
            .status());
  }
  return OkStatus();
}

}  // namespace tersor::training
