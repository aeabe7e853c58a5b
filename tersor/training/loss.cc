#include "tersor/training/loss.h"

#include <algorithm>
#include <string>
#include <vector>

namespace tersor::training {
namespace {

using ir::Graph;
using ir::Node;
using ir::OpKind;
using ir::ValueId;

Result<ValueId> Add(Graph& graph, OpKind op, std::vector<ValueId> operands,
                    Attributes attributes = {}) {
  TERSOR_ASSIGN_OR_RETURN(Node * node,
                          graph.AddNode(op, std::move(operands), std::move(attributes)));
  return node->result();
}

// --- cross_entropy ---

Result<TensorType> TargetOfCrossEntropy(const TensorType& prediction) {
  if (prediction.dtype != DType::kF32 || prediction.shape.rank() != 2) {
    return InvalidArgument("cross_entropy needs a prediction f32 [N,classes], found ",
                           prediction.ToString());
  }
  return TensorType{DType::kI32, {prediction.shape[0]}, {}};
}

Result<ValueId> AddCrossEntropy(Graph& graph, const LossOperands& operands) {
  Attributes attributes;
  attributes.Set(Attr::label_smoothing, operands.label_smoothing);
  return Add(graph, OpKind::kCrossEntropy, {operands.prediction, operands.target}, attributes);
}

int64_t CountClasses(const ConstTensorView& prediction, const ConstTensorView& target) {
  const int64_t examples = prediction.shape()[0], classes = prediction.shape()[1];
  const auto largest = [&](const ConstTensorView& rows, int64_t n) {
    const float* row = rows.as<float>() + n * classes;
    return std::max_element(row, row + classes) - row;
  };
  const bool soft = target.dtype() == DType::kF32;
  int64_t correct = 0;
  for (int64_t n = 0; n < examples; ++n) {
    const int64_t label = soft ? largest(target, n) : target.as<int32_t>()[n];
    correct += largest(prediction, n) == label;
  }
  return correct;
}

// --- mse ---

Result<TensorType> TargetOfMeanSquaredError(const TensorType& prediction) {
  if (prediction.dtype != DType::kF32 || prediction.shape.rank() < 1) {
    return InvalidArgument("mse needs a prediction f32 [N,...], found ", prediction.ToString());
  }
  return prediction;
}

Result<ValueId> AddMeanSquaredError(Graph& graph, const LossOperands& operands) {
  const TensorType prediction = graph.value(operands.prediction).type();
  const TensorType& target = graph.value(operands.target).type();
  if (target != prediction) {
    return InvalidArgument("mse: the target is ", target.ToString(), ", the prediction ",
                           prediction.ToString());
  }
  TERSOR_ASSIGN_OR_RETURN(const ValueId difference,
                          Add(graph, OpKind::kSubtract, {operands.prediction, operands.target}));
  TERSOR_ASSIGN_OR_RETURN(const ValueId square,
                          Add(graph, OpKind::kMultiply, {difference, difference}));
  std::vector<int64_t> axes;
  for (int axis = 1; axis < prediction.shape.rank(); ++axis) axes.push_back(axis);
  if (axes.empty()) return square;
  return Add(graph, OpKind::kReduceMean, {square}, Attributes().Set(Attr::axes, axes));
}

constexpr Loss kLosses[] = {
#define LOSS(name, functions, prediction, counting, doc) \
  {#name, LossPrediction::prediction, doc, TargetOf##functions, Add##functions, counting},
#include "tersor/training/losses.inc"
#undef LOSS
};

}  // namespace

std::span<const Loss> AllLosses() { return kLosses; }

Result<const Loss*> FindLoss(std::string_view name) {
  std::string known;
  for (const Loss& loss : kLosses) {
    if (loss.name == name) return &loss;
    known += StrCat(known.empty() ? "" : ", ", loss.name);
  }
  return NotFound("loss '", name, "' is unknown; there are ", known);
}

}  // namespace tersor::training
