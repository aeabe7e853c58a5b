#include "tersor/training/training_step.h"

#include <algorithm>

#include "tersor/transforms/differentiate.h"
#include "tersor/transforms/passes.h"

namespace tersor::training {
namespace {

using ir::Graph;
using ir::kNoValue;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

struct MovingUpdate {
  ValueId variable, statistic;
};

// Batch norms read the statistics of the batch; returns what their moving statistics are updated
// with.
Result<std::vector<MovingUpdate>> UseBatchStatistics(Graph& graph) {
  std::vector<MovingUpdate> updates;
  for (Node* node : graph.SnapshotNodes()) {
    if (node->op() != OpKind::kBatchNorm) continue;
    const ValueId input = node->operand(0), mean = node->operand(3), variance = node->operand(4);
    if (!graph.value(mean).is_variable() || !graph.value(variance).is_variable()) continue;
    TERSOR_ASSIGN_OR_RETURN(
        Node * moments, graph.AddNode(OpKind::kBatchNormMoments, {input}, {}, std::nullopt, node));
    TERSOR_ASSIGN_OR_RETURN(Node * sums, graph.AddNode(OpKind::kAllReduceSum, {moments->result()},
                                                       {}, std::nullopt, node));
    TERSOR_ASSIGN_OR_RETURN(
        Node * statistics,
        graph.AddNode(OpKind::kBatchNormStatistics, {sums->result()}, {}, std::nullopt, node));
    graph.SetOperand(node, 3, statistics->result(0));
    graph.SetOperand(node, 4, statistics->result(1));
    updates.push_back({mean, statistics->result(0)});
    updates.push_back({variance, statistics->result(1)});
  }
  return updates;
}

// Weight decay is for filters: biases and batch norms are vectors.
bool Decays(const Graph& graph, ValueId variable) {
  return graph.value(variable).type().shape.rank() > 1;
}

Result<ValueId> AddState(Graph& graph, TrainingStep& step, ValueId variable,
                         std::string_view suffix) {
  const ir::Value& value = graph.value(variable);
  TERSOR_ASSIGN_OR_RETURN(Tensor zeros, Tensor::Create(value.type()));
  const ValueId state =
      graph.AddVariable(StrCat(value.name(), '.', suffix), std::move(zeros), false);
  step.optimizer_variables.push_back(graph.value(state).name());
  return state;
}

Status AddUpdate(TrainingStep& step, const OptimizerOptions& options, ValueId variable,
                 ValueId gradient, ValueId learning_rate, ValueId step_number) {
  Graph& graph = step.graph;
  Attributes attributes;
  if (Decays(graph, variable)) attributes.Set(Attr::weight_decay, options.weight_decay);
  if (options.kind == OptimizerKind::kSgd) {
    ValueId velocity = kNoValue;
    if (options.momentum > 0) {
      TERSOR_ASSIGN_OR_RETURN(velocity, AddState(graph, step, variable, "velocity"));
      attributes.Set(Attr::momentum, options.momentum).Set(Attr::nesterov, options.nesterov);
    }
    TERSOR_ASSIGN_OR_RETURN(
        Node * update, graph.AddNode(OpKind::kSgdUpdate,
                                     {variable, gradient, velocity, learning_rate}, attributes));
    (void)update;
    return OkStatus();
  }
  attributes.Set(Attr::beta1, options.beta1)
      .Set(Attr::beta2, options.beta2)
      .Set(Attr::epsilon, options.epsilon)
      .Set(Attr::decoupled, options.kind == OptimizerKind::kAdamW);
  TERSOR_ASSIGN_OR_RETURN(ValueId moment1, AddState(graph, step, variable, "moment1"));
  TERSOR_ASSIGN_OR_RETURN(ValueId moment2, AddState(graph, step, variable, "moment2"));
  TERSOR_ASSIGN_OR_RETURN(Node * update, graph.AddNode(OpKind::kAdamUpdate,
                                                       {variable, gradient, moment1, moment2,
                                                        learning_rate, step_number},
                                                       attributes));
  (void)update;
  return OkStatus();
}

// The logits behind the model's output.
Result<ValueId> FindLogits(const Graph& graph) {
  if (graph.outputs().size() != 1) {
    return InvalidArgument("a classifier has one output, the model has ", graph.outputs().size());
  }
  const ValueId output = graph.outputs()[0];
  const Node* node = graph.value(output).producer();
  const ValueId logits =
      node != nullptr && node->op() == OpKind::kSoftmax ? node->operand(0) : output;
  const TensorType& type = graph.value(logits).type();
  if (type.dtype != DType::kF32 || type.shape.rank() != 2 || !type.shape.HasBatch()) {
    return InvalidArgument("training needs an output f32 [N,classes], found ", type.ToString());
  }
  return logits;
}

}  // namespace

Result<TrainingStep> MakeTrainingStep(const Graph& model, const TrainingStepOptions& options) {
  TrainingStep step;
  step.graph = model.Clone();
  Graph& graph = step.graph;
  graph.set_name(model.name() + ".training_step");
  step.model_inputs = static_cast<int>(model.inputs().size());
  TERSOR_ASSIGN_OR_RETURN(const ValueId logits, FindLogits(graph));
  graph.SetOutputs({logits});
  graph.RemoveDead();
  for (ValueId id : graph.variables()) {
    ir::Value& variable = graph.value(id);
    if (variable.data().empty()) {
      return FailedPrecondition("variable ", variable.name(), " has no data");
    }
    TERSOR_ASSIGN_OR_RETURN(variable.mutable_data(), variable.data().Clone());
    step.model_variables.push_back(variable.name());
  }
  transforms::RewriteReport report;
  TERSOR_RETURN_IF_ERROR(transforms::FuseActivations(graph, report));
  const ValueId classifier = graph.outputs()[0];

  const ValueId labels = graph.AddInput("labels", {DType::kI32, {kBatch}, {}});
  const ValueId weights = graph.AddInput("example_weights", {DType::kF32, {kBatch}, {}});
  const ValueId learning_rate = graph.AddInput("learning_rate", {DType::kF32, {}, {}});
  const ValueId step_number = graph.AddInput("step", {DType::kF32, {}, {}});
  const ValueId counter = graph.AddInput("counter", {DType::kI64, {}, {}});
  for (Node* node : graph.SnapshotNodes()) {
    if (node->op() == OpKind::kDropout) graph.SetOperand(node, 1, counter);
  }
  graph.RemoveDead();
  TERSOR_ASSIGN_OR_RETURN(auto moving_updates, UseBatchStatistics(graph));

  Attributes loss_attributes;
  loss_attributes.Set(Attr::label_smoothing, options.label_smoothing);
  TERSOR_ASSIGN_OR_RETURN(
      Node * loss, graph.AddNode(OpKind::kCrossEntropy, {classifier, labels}, loss_attributes));
  const ValueId loss_value = loss->result();
  graph.SetOutputs({loss_value, classifier});

  std::vector<ValueId> trainable;
  for (ValueId id : graph.variables()) {
    if (graph.value(id).trainable()) trainable.push_back(id);
  }
  if (trainable.empty()) return InvalidArgument("the model has no trainable variable");
  TERSOR_ASSIGN_OR_RETURN(auto gradients,
                          transforms::Differentiate(graph, loss_value, weights, trainable));
  std::vector<ValueId> sums(gradients.size(), kNoValue);
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (gradients[i] == kNoValue) continue;
    TERSOR_ASSIGN_OR_RETURN(Node * sum, graph.AddNode(OpKind::kAllReduceSum, {gradients[i]}));
    sums[i] = sum->result();
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    if (sums[i] == kNoValue) continue;
    TERSOR_RETURN_IF_ERROR(
        AddUpdate(step, options.optimizer, trainable[i], sums[i], learning_rate, step_number));
  }
  Attributes moving;
  moving.Set(Attr::decay, options.batch_norm_momentum);
  for (const MovingUpdate& update : moving_updates) {
    TERSOR_ASSIGN_OR_RETURN(
        Node * node,
        graph.AddNode(OpKind::kMovingAverageUpdate, {update.variable, update.statistic}, moving));
    (void)node;
  }
  return step;
}

Status CopyVariables(const Graph& from, Graph& to, bool partial) {
  for (ValueId id : to.variables()) {
    ir::Value& target = to.value(id);
    const ValueId source = from.FindVariable(target.name());
    if (source == kNoValue) {
      if (partial) continue;
      return NotFound("variable ", target.name(), " is not among those that are copied");
    }
    const ir::Value& value = from.value(source);
    if (value.type() != target.type()) {
      return InvalidArgument("variable ", target.name(), ": expected ", target.type().ToString(),
                             ", found ", value.type().ToString());
    }
    TERSOR_ASSIGN_OR_RETURN(target.mutable_data(), value.data().Clone());
  }
  return OkStatus();
}

}  // namespace tersor::training
