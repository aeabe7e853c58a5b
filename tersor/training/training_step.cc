#include "tersor/training/training_step.h"

#include <algorithm>

#include "tersor/training/step_updates.h"
#include "tersor/transforms/constants.h"
#include "tersor/transforms/differentiate.h"
#include "tersor/transforms/passes.h"

namespace tersor::training {
namespace {

using ir::Graph;
using ir::kNoValue;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

// Gives the graph variables of its own, so that training leaves those it was cloned from alone.
Status OwnVariables(Graph& graph) {
  for (ValueId id : graph.variables()) {
    ir::Value& variable = graph.value(id);
    // An encoded weight becomes dense: an update would leave what its encoding can hold.
    TERSOR_ASSIGN_OR_RETURN(const Tensor shared, ir::DenseData(variable));
    TERSOR_ASSIGN_OR_RETURN(Tensor own, shared.Clone());
    variable.set_data(std::move(own));
  }
  return OkStatus();
}

ValueId BeforeSoftmax(const Graph& graph, ValueId id) {
  const Node* node = graph.value(id).producer();
  return node != nullptr && node->op() == OpKind::kSoftmax ? node->operand(0) : id;
}

class StepBuilder {
 public:
  /// `trains`: the whole step; otherwise the losses alone, with all graphs in inference mode.
  StepBuilder(const Graph& model, const TrainingStepSpec& spec, bool trains)
      : model_(model), spec_(spec), trains_(trains) {}

  Result<TrainingStep> Build() {
    TERSOR_RETURN_IF_ERROR(TakeModel());
    TERSOR_RETURN_IF_ERROR(AddInputs());
    for (const ExtraGraph& extra : spec_.graphs) {
      TERSOR_RETURN_IF_ERROR(AddGraph(extra).WithContext(StrCat("graph ", extra.name)));
    }
    TERSOR_RETURN_IF_ERROR(AddLosses());
    if (trains_) TERSOR_RETURN_IF_ERROR(AddUpdates());
    graph().RemoveDead();
    for (size_t i = 0; i < graph().inputs().size(); ++i) {
      for (const auto& [name, id] : inputs_) {
        if (id == graph().inputs()[i]) step_.inputs[name] = static_cast<int>(i);
      }
    }
    return std::move(step_);
  }

 private:
  Graph& graph() { return step_.graph; }
  Status TakeModel();
  Status AddInputs();
  Result<ValueId> AddInput(std::string_view name, TensorType type);
  Result<ValueId> Find(const std::string& name);
  Status AddGraph(const ExtraGraph& extra);
  Result<Graph> CloneExtra(const ExtraGraph& extra) const;
  Result<ValueId> Prediction(const LossTerm& term, const Loss& loss);
  Result<ValueId> Target(const LossTerm& term, const Loss& loss, ValueId prediction);
  Status AddLosses();
  Status AddUpdates();

  const Graph& model_;
  const TrainingStepSpec& spec_;
  const bool trains_;
  TrainingStep step_;
  std::map<std::string, ValueId, std::less<>> inputs_;  // inputs of the step
  std::map<std::string, ValueId, std::less<>> values_;  // outputs of the model and of extra graphs
  ValueId weights_ = kNoValue, learning_rate_ = kNoValue, step_number_ = kNoValue,
          counter_ = kNoValue;
  ValueId loss_ = kNoValue;
  std::vector<MovingUpdate> moving_updates_;
};

Result<const Loss*> LossOf(const TrainingStepSpec& spec, const LossTerm& term) {
  return FindLoss(term.loss.empty() ? OptionName(spec.options.loss) : term.loss);
}

// The value of the step that an input of an extra graph reads, by name.
const std::string& BoundName(const ExtraGraph& extra, const std::string& input) {
  auto bound = extra.bindings.find(input);
  return bound == extra.bindings.end() ? input : bound->second;
}

// Which of its outputs a model needs in a step.
struct OutputUse {
  bool logits = false;  // a loss reads what stands before a softmax at its end
  bool values = false;  // something reads the output itself
};

Result<OutputUse> UseOf(const TrainingStepSpec& spec, const std::string& output, bool is_first) {
  OutputUse use;
  for (const LossTerm& term : spec.losses) {
    TERSOR_ASSIGN_OR_RETURN(const Loss* loss, LossOf(spec, term));
    use.values |= term.target == output;
    if (term.prediction != output && !(term.prediction.empty() && is_first)) continue;
    (loss->prediction == LossPrediction::kLogits ? use.logits : use.values) = true;
  }
  for (const ExtraGraph& extra : spec.graphs) {
    if (extra.graph == nullptr) continue;
    for (ValueId id : extra.graph->inputs()) {
      use.values |= BoundName(extra, extra.graph->value(id).name()) == output;
    }
  }
  return use;
}

// The model's forward part, without what no loss and no extra graph reads. A softmax goes when only
// its operand is read, so that it is not worked out in vain.
Status StepBuilder::TakeModel() {
  step_.graph = model_.Clone();
  graph().set_name(model_.name() + ".training_step");
  std::vector<std::string> names;  // of the outputs that stay
  std::vector<ValueId> outputs;
  for (int i = 0; i < static_cast<int>(model_.outputs().size()); ++i) {
    const ValueId output = model_.outputs()[static_cast<size_t>(i)];
    TERSOR_ASSIGN_OR_RETURN(const OutputUse use, UseOf(spec_, model_.OutputName(i), i == 0));
    if (!use.logits && !use.values) continue;
    names.push_back(model_.OutputName(i));
    outputs.push_back(use.values ? output : BeforeSoftmax(graph(), output));
  }
  graph().SetOutputs(outputs);
  graph().RemoveDead();
  TERSOR_RETURN_IF_ERROR(OwnVariables(graph()));
  transforms::RewriteReport report;
  if (!trains_) TERSOR_RETURN_IF_ERROR(transforms::RemoveDropout(graph(), report));
  TERSOR_RETURN_IF_ERROR(transforms::FuseActivations(graph(), report));
  for (size_t i = 0; i < names.size(); ++i) values_[names[i]] = graph().outputs()[i];
  return OkStatus();
}

Result<ValueId> StepBuilder::AddInput(std::string_view name, TensorType type) {
  if (inputs_.contains(name)) {
    return InvalidArgument("input '", name, "' of the model has a name that a training step needs");
  }
  const ValueId id = graph().AddInput(std::string(name), std::move(type));
  inputs_[std::string(name)] = id;
  return id;
}

Status StepBuilder::AddInputs() {
  for (ValueId id : graph().inputs()) inputs_[graph().value(id).name()] = id;
  if (!trains_) return OkStatus();
  TERSOR_ASSIGN_OR_RETURN(weights_, AddInput(kExampleWeights, {DType::kF32, {kBatch}, {}}));
  TERSOR_ASSIGN_OR_RETURN(learning_rate_, AddInput(kLearningRate, {DType::kF32, {}, {}}));
  TERSOR_ASSIGN_OR_RETURN(step_number_, AddInput(kStepNumber, {DType::kF32, {}, {}}));
  TERSOR_ASSIGN_OR_RETURN(counter_, AddInput(kCounter, {DType::kI64, {}, {}}));
  return EnterTrainingMode(graph(), graph().SnapshotNodes(), counter_, moving_updates_);
}

// The value of this name, or kNoValue. An input of the spec is added when it is asked for.
Result<ValueId> StepBuilder::Find(const std::string& name) {
  if (auto found = values_.find(name); found != values_.end()) return found->second;
  if (auto found = inputs_.find(name); found != inputs_.end()) return found->second;
  if (auto found = spec_.inputs.find(name); found != spec_.inputs.end()) {
    return AddInput(name, found->second);
  }
  return kNoValue;
}

// The extra graph as its mode wants it, with the marks that the spec gives its variables.
Result<Graph> StepBuilder::CloneExtra(const ExtraGraph& extra) const {
  Graph clone = extra.graph->Clone();
  const std::string prefix = extra.name + "/";
  for (const std::string& name : spec_.host_written) {
    if (!name.starts_with(prefix)) continue;
    const ValueId id = clone.FindVariable(std::string_view(name).substr(prefix.size()));
    if (id != kNoValue) clone.value(id).set_host_written(true);
  }
  if (extra.mode == GraphMode::kInference) {
    TERSOR_ASSIGN_OR_RETURN(clone, transforms::PrepareForInference(clone));
    for (ValueId id : clone.variables()) clone.value(id).set_trainable(false);
  } else {
    transforms::RewriteReport report;
    if (!trains_) TERSOR_RETURN_IF_ERROR(transforms::RemoveDropout(clone, report));
    TERSOR_RETURN_IF_ERROR(transforms::FuseActivations(clone, report));
  }
  TERSOR_RETURN_IF_ERROR(OwnVariables(clone));
  return clone;
}

Status StepBuilder::AddGraph(const ExtraGraph& extra) {
  if (extra.name.empty() || extra.graph == nullptr) {
    return InvalidArgument("an extra graph needs a name and a graph");
  }
  std::map<std::string, ValueId> bindings;
  for (ValueId id : extra.graph->inputs()) {
    const std::string& input = extra.graph->value(id).name();
    const std::string& name = BoundName(extra, input);
    TERSOR_ASSIGN_OR_RETURN(ValueId value, Find(name));
    const bool only = extra.graph->inputs().size() == 1 && model_.inputs().size() == 1;
    if (value == kNoValue && only && !extra.bindings.contains(input)) value = model_.inputs()[0];
    if (value == kNoValue) {
      return NotFound("input '", input, "' reads '", name, "', which the step does not have");
    }
    bindings[input] = value;
  }
  for (const auto& [input, bound] : extra.bindings) {
    if (!bindings.contains(input)) return NotFound("it has no input '", input, "'");
  }
  TERSOR_ASSIGN_OR_RETURN(const Graph clone, CloneExtra(extra));
  const std::vector<Node*> before = graph().SnapshotNodes();
  TERSOR_ASSIGN_OR_RETURN(const auto outputs, graph().Inline(clone, bindings, extra.name + "/"));
  for (int i = 0; i < static_cast<int>(clone.outputs().size()); ++i) {
    values_[StrCat(extra.name, '/', extra.graph->OutputName(i))] =
        outputs.find(clone.OutputName(i))->second;
  }
  if (extra.mode == GraphMode::kInference || !trains_) return OkStatus();
  const std::vector<Node*> all = graph().SnapshotNodes();  // those of `before` come first
  return EnterTrainingMode(graph(), std::span(all).subspan(before.size()), counter_,
                           moving_updates_);
}

Result<ValueId> StepBuilder::Prediction(const LossTerm& term, const Loss& loss) {
  std::string name = term.prediction;
  if (name.empty()) {
    if (model_.outputs().size() != 1) {
      return InvalidArgument("the model has ", model_.outputs().size(),
                             " outputs, so the loss must name its prediction");
    }
    name = model_.OutputName(0);
  }
  TERSOR_ASSIGN_OR_RETURN(const ValueId value, Find(name));
  if (value == kNoValue) return NotFound("the step has no value '", name, "' to train");
  return loss.prediction == LossPrediction::kLogits ? BeforeSoftmax(graph(), value) : value;
}

Result<ValueId> StepBuilder::Target(const LossTerm& term, const Loss& loss, ValueId prediction) {
  TERSOR_ASSIGN_OR_RETURN(const TensorType preferred,
                          loss.target_type(graph().value(prediction).type()));
  TERSOR_ASSIGN_OR_RETURN(const ValueId target, Find(term.target));
  if (target != kNoValue) return target;
  if (term.target.find('/') != std::string::npos) {
    return NotFound("the step has no value '", term.target, "' to train towards");
  }
  return AddInput(term.target, preferred);
}

Status StepBuilder::AddLosses() {
  if (spec_.losses.empty()) return InvalidArgument("a training step needs a loss");
  ValueId counted = kNoValue;
  for (const LossTerm& term : spec_.losses) {
    TERSOR_ASSIGN_OR_RETURN(const Loss* loss, LossOf(spec_, term));
    TERSOR_ASSIGN_OR_RETURN(const ValueId prediction, Prediction(term, *loss));
    TERSOR_ASSIGN_OR_RETURN(const ValueId target, Target(term, *loss, prediction));
    TERSOR_ASSIGN_OR_RETURN(
        ValueId value, loss->add(graph(), {prediction, target, spec_.options.label_smoothing}));
    if (term.weight != 1) {
      TERSOR_ASSIGN_OR_RETURN(const ValueId weight,
                              transforms::AddConstant(graph(), "loss_weight", {1}, {term.weight}));
      TERSOR_ASSIGN_OR_RETURN(Node * product, graph().AddNode(OpKind::kMultiply, {value, weight}));
      value = product->result();
    }
    if (loss_ != kNoValue) {
      TERSOR_ASSIGN_OR_RETURN(Node * sum, graph().AddNode(OpKind::kAdd, {loss_, value}));
      value = sum->result();
    }
    loss_ = value;
    if (step_.counting != nullptr || loss->count_correct == nullptr) continue;
    if (!inputs_.contains(term.target)) continue;
    step_.counting = loss;
    step_.counted_target = term.target;
    counted = prediction;
  }
  step_.outputs[std::string(kLossOutput)] = 0;
  graph().SetOutputs({loss_});
  if (counted != kNoValue) {
    step_.outputs[std::string(kPredictionOutput)] = 1;
    graph().AddOutput(counted);
  }
  return OkStatus();
}

Status StepBuilder::AddUpdates() {
  std::vector<ValueId> trainable;
  for (ValueId id : graph().variables()) {
    if (graph().value(id).trainable()) trainable.push_back(id);
  }
  if (trainable.empty()) return InvalidArgument("the model has no trainable variable");
  TERSOR_ASSIGN_OR_RETURN(auto sums,
                          transforms::Differentiate(graph(), loss_, weights_, trainable));
  for (ValueId& gradient : sums) {
    if (gradient == kNoValue) continue;
    TERSOR_ASSIGN_OR_RETURN(Node * sum, graph().AddNode(OpKind::kAllReduceSum, {gradient}));
    gradient = sum->result();
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    if (sums[i] == kNoValue) continue;
    TERSOR_RETURN_IF_ERROR(AddOptimizerUpdate(graph(), spec_.options.optimizer, trainable[i],
                                              sums[i], learning_rate_, step_number_));
  }
  for (const std::string& name : spec_.host_written) {
    const ValueId id = graph().FindVariable(name);
    if (id == kNoValue) return NotFound("variable ", name, " is not in the training step");
    graph().value(id).set_host_written(true);
  }
  return AddMovingUpdates(graph(), moving_updates_, spec_.options.batch_norm_momentum);
}

}  // namespace

bool IsMadeByTrainer(std::string_view input) {
  return input == kExampleWeights || input == kLearningRate || input == kStepNumber ||
         input == kCounter;
}

Result<TrainingStep> MakeTrainingStep(const Graph& model, const TrainingStepSpec& spec) {
  return StepBuilder(model, spec, true).Build();
}

Result<TrainingStep> MakeEvaluation(const Graph& model, const TrainingStepSpec& spec) {
  return StepBuilder(model, spec, false).Build();
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
    TERSOR_ASSIGN_OR_RETURN(Tensor data, value.data().Clone());
    target.set_data(std::move(data));
  }
  return OkStatus();
}

}  // namespace tersor::training
