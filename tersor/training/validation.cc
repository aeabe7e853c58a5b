#include "tersor/training/validation.h"

#include <vector>

namespace tersor::training {

Result<Validation> Validation::Create(const ir::Graph& model, const TrainingStepSpec& spec,
                                      const TrainingStep& step, const data::Dataset& set,
                                      const std::map<std::string, std::string>& fields,
                                      const measure::EvaluatorOptions& options) {
  TERSOR_ASSIGN_OR_RETURN(TrainingStep forward, MakeEvaluation(model, spec));
  ir::Graph& graph = forward.graph;
  // The variables are those of the step, and they change while the executables live.
  for (ir::ValueId id : graph.variables()) {
    ir::Value& variable = graph.value(id);
    const ir::ValueId source = step.graph.FindVariable(variable.name());
    if (source == ir::kNoValue || step.graph.value(source).type() != variable.type()) continue;
    variable.set_data(step.graph.value(source).data());
    variable.set_host_written(true);
  }
  for (const auto& [name, place] : forward.inputs) {
    const auto field = fields.find(name);
    if (field == fields.end()) continue;
    graph.SetName(graph.inputs()[static_cast<size_t>(place)], field->second);
  }
  int counted_input = 0;
  if (forward.counting != nullptr) {
    counted_input = forward.inputs.find(forward.counted_target)->second;
  }
  TERSOR_ASSIGN_OR_RETURN(auto evaluator, measure::Evaluator::Create(graph, options));
  return Validation(std::move(evaluator), set, forward.counting, counted_input);
}

Status Validation::Run(EpochMetrics& metrics) {
  struct Part {
    double loss = 0;
    int64_t correct = 0;
  };
  // By batch, so that the sum does not depend on which thread ran which batch.
  std::vector<Part> parts(static_cast<size_t>(evaluator_.BatchesOf(set_)));
  auto observe = [&](const measure::EvaluatedBatch& batch, int) -> Status {
    Part& part = parts[static_cast<size_t>(batch.index)];
    const auto loss = batch.outputs[0].values<float>();
    for (int64_t i = 0; i < batch.count; ++i) part.loss += loss[static_cast<size_t>(i)];
    if (counting_ == nullptr) return OkStatus();
    ConstTensorView prediction = batch.outputs[1].view();
    TensorType rows = *prediction.type;
    rows.shape[0] = batch.count;
    prediction.type = &rows;
    part.correct = counting_->count_correct(
        prediction, batch.inputs[static_cast<size_t>(counted_input_)].view());
    return OkStatus();
  };
  TERSOR_RETURN_IF_ERROR(evaluator_.Run(set_, observe));
  Part total;
  for (const Part& part : parts) {
    total.loss += part.loss;
    total.correct += part.correct;
  }
  const auto count = static_cast<double>(set_.size());
  metrics.validated = true;
  metrics.validation_loss = total.loss / count;
  metrics.validation_accuracy = static_cast<double>(total.correct) / count;
  return OkStatus();
}

}  // namespace tersor::training
