// Losses: what a training step makes small. Each is a row of losses.inc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/ir/graph.h"

namespace tersor::training {

enum class LossKind : uint8_t {
#define LOSS(name, functions, prediction, counting, doc) k##functions,
#include "tersor/training/losses.inc"
#undef LOSS
};

inline constexpr std::string_view kLossNames[] = {
#define LOSS(name, functions, prediction, counting, doc) #name,
#include "tersor/training/losses.inc"
#undef LOSS
};
constexpr std::span<const std::string_view> OptionNames(LossKind) { return kLossNames; }

/// What a loss compares, as values of the step's graph with the batch first.
struct LossOperands {
  ir::ValueId prediction = ir::kNoValue;
  ir::ValueId target = ir::kNoValue;
  double label_smoothing = 0;  ///< of losses over classes
};

enum class LossPrediction : uint8_t { kLogits, kValues };

struct Loss {
  std::string_view name;
  /// kLogits: a softmax at the end of the prediction is left out, and the loss gets its operand.
  LossPrediction prediction;
  std::string_view doc;
  /// The type of the target for this prediction where nobody gives another. Fails on a prediction
  /// that the loss cannot take.
  Result<TensorType> (*target_type)(const TensorType& prediction);
  /// Adds the nodes of the loss and returns its value: f32 [N], one number for each example. Fails
  /// on a target that does not fit the prediction.
  Result<ir::ValueId> (*add)(ir::Graph& graph, const LossOperands& operands);
  /// The number of these examples (batch first) whose prediction is right; null where the loss has
  /// no notion of right and wrong. Over classes, the largest logit, or the first of equal ones, has
  /// to be that of the label's class; the class of a soft label is its largest element.
  int64_t (*count_correct)(const ConstTensorView& prediction, const ConstTensorView& target);
};

/// The rows of losses.inc.
std::span<const Loss> AllLosses();
/// The row of this name; the failure says which names there are. It lives as long as the program.
Result<const Loss*> FindLoss(std::string_view name);

}  // namespace tersor::training
