// What a training step writes to variables. Private to training/.
#pragma once

#include <span>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/ir/graph.h"
#include "tersor/training/optimizer.h"

namespace tersor::training {

/// A moving statistic of a batch norm, and the statistic of the batch that moves it.
struct MovingUpdate {
  ir::ValueId variable, statistic;
};

/// Puts the nodes into training mode: each dropout draws by `counter`, and each batch norm whose
/// statistics are variables reads those of the batch. Appends what moves those variables.
Status EnterTrainingMode(ir::Graph& graph, std::span<ir::Node* const> nodes, ir::ValueId counter,
                         std::vector<MovingUpdate>& updates);

/// Adds the node that updates `variable` by the sum of its gradients, and the variables that hold
/// the optimizer's state of it. `step_number` counts from 1.
Status AddOptimizerUpdate(ir::Graph& graph, const OptimizerOptions& options, ir::ValueId variable,
                          ir::ValueId gradient, ir::ValueId learning_rate, ir::ValueId step_number);

/// Adds the nodes that move the statistics; `momentum` is the share of the old value that stays.
Status AddMovingUpdates(ir::Graph& graph, std::span<const MovingUpdate> updates, double momentum);

}  // namespace tersor::training
