#include "tersor/compression/quantization/calibration.h"

#include <algorithm>
#include <vector>

#include "tersor/base/hash.h"
#include "tersor/compression/quantization/prepare.h"
#include "tersor/ir/text.h"
#include "tersor/measure/evaluator.h"
#include "tersor/transforms/constants.h"

namespace tersor::compression {
namespace {

using ir::ValueId;

// A result that holds all elements of one operand and nothing else needs no histogram of its own.
bool RepeatsOperand(const ir::Graph& graph, const ir::Node& node) {
  if (!node.info().Has(ir::Trait::moves) || node.operands().size() != 1) return false;
  auto count = [&](ValueId id) { return graph.value(id).type().shape.num_elements(); };
  return count(node.result()) >= count(node.operand(0));
}

std::vector<ValueId> ObservedResults(const ir::Graph& graph) {
  std::vector<ValueId> observed;
  for (const auto& node : graph.nodes()) {
    if (RepeatsOperand(graph, *node)) continue;
    for (ValueId id : node->results()) {
      if (graph.value(id).type().dtype == DType::kF32) observed.push_back(id);
    }
  }
  return observed;
}

// The elements of the first `count` examples.
std::span<const float> Rows(const Tensor& tensor, int64_t count) {
  const Shape& shape = tensor.type().shape;
  const auto values = tensor.values<float>();
  if (shape.rank() == 0) return values;
  return values.first(values.size() / static_cast<size_t>(shape[0]) * static_cast<size_t>(count));
}

// Adds a batch to the histograms: of the input, then of the observed results.
Status Observe(const measure::EvaluatedBatch& batch, const ir::Graph& graph,
               const std::vector<ValueId>& observed, std::vector<Histogram>& seen) {
  // A model of fixed batch has no rows that may be left out: all of them are seen.
  const bool whole = !graph.value(graph.inputs()[0]).type().shape.HasBatch();
  for (size_t i = 0; i < seen.size(); ++i) {
    const Tensor& tensor = i == 0 ? batch.inputs[0] : batch.outputs[i - 1];
    const ValueId id = i == 0 ? graph.inputs()[0] : observed[i - 1];
    // A result without the batch as its first axis is seen whole.
    const bool by_example = graph.value(id).type().shape.HasBatch() && !whole;
    const auto values = by_example ? Rows(tensor, batch.count) : tensor.values<float>();
    if (Status status = seen[i].Add(values); !status.ok()) {
      return status.WithContext(StrCat("calibration: value ", transforms::NameOf(graph, id)));
    }
  }
  return OkStatus();
}

Status CheckModel(const ir::Graph& graph) {
  if (graph.inputs().size() != 1) {
    return InvalidArgument("calibration: the model has ", graph.inputs().size(),
                           " inputs, expected one");
  }
  const TensorType& input = graph.value(graph.inputs()[0]).type();
  if (input.dtype != DType::kF32) {
    return InvalidArgument("calibration: the model's input is ", input.ToString(),
                           ", expected f32");
  }
  return OkStatus();
}

}  // namespace

uint64_t HashOf(const ir::Graph& model) {
  uint64_t hash = 0;
  ir::Graph bare = model.Clone();
  for (ValueId id : bare.variables()) {
    const Tensor& data = bare.value(id).data();
    if (!data.empty()) {
      hash = HashBytes(data.view().data, static_cast<size_t>(data.type().size_bytes()), hash);
    }
    bare.value(id).set_data(Tensor());
  }
  const std::string text = ir::Print(bare);
  return HashBytes(text.data(), text.size(), hash);
}

Result<CalibrationStatistics> Calibrate(const ir::Graph& model, const data::Dataset& examples,
                                        const CalibrationOptions& options) {
  if (examples.size() == 0) {
    return InvalidArgument("calibration: data set '", examples.name, "' has no examples");
  }
  CalibrationStatistics statistics;
  TERSOR_ASSIGN_OR_RETURN(statistics.prepared, PrepareForQuantization(model));
  const ir::Graph& graph = statistics.prepared;
  TERSOR_RETURN_IF_ERROR(CheckModel(graph));
  const std::vector<ValueId> observed = ObservedResults(graph);
  ir::Graph observing = graph.Clone();
  observing.SetOutputs(observed);
  measure::EvaluatorOptions evaluation;
  evaluation.normalize = options.normalize;
  evaluation.threads = options.threads;
  evaluation.batch = std::clamp<int64_t>(options.batch, 1, examples.size());
  auto evaluator = measure::Evaluator::Create(observing, evaluation);
  if (!evaluator.ok()) return evaluator.status().WithContext("calibration");
  std::vector<std::vector<Histogram>> seen(static_cast<size_t>(evaluator->threads()));
  for (auto& histograms : seen) histograms.resize(observed.size() + 1);
  TERSOR_RETURN_IF_ERROR(evaluator->Run(
      examples,
      [&](const measure::EvaluatedBatch& batch, int worker) {
        return Observe(batch, graph, observed, seen[static_cast<size_t>(worker)]);
      },
      options.progress));
  for (const auto& histograms : seen) {
    for (size_t i = 0; i < histograms.size(); ++i) {
      statistics.values[i == 0 ? graph.inputs()[0] : observed[i - 1]].Merge(histograms[i]);
    }
  }
  statistics.examples = examples.size();
  statistics.model_hash = HashOf(model);
  return statistics;
}

}  // namespace tersor::compression
