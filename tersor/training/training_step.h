// From a model to the graph of one training step.
#pragma once

#include <string>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/ir/graph.h"
#include "tersor/training/optimizer.h"

namespace tersor::training {

struct TrainingStepOptions {
#define OPTION OPTION_MEMBER
#include "tersor/training/training_step_options.inc"
#undef OPTION
  OptimizerOptions optimizer;
};

/// The whole step as one graph: forward, loss, gradients, their sum over the shards, and updates.
struct TrainingStep {
  ir::Graph graph;
  /// Inputs, in this order: those of the model; labels i32 [N]; example_weights f32 [N] (1 /
  /// examples of the whole batch, for the mean loss); learning_rate f32 []; step f32 [] (counted
  /// from 1); counter i64 [] (of the dropout draw). Outputs: loss f32 [N] (per example), logits f32
  /// [N,classes].
  int model_inputs = 1;
  /// Variables of the model (same names), and those of the optimizer (name of the variable +
  /// ".velocity", ".moment1", ".moment2").
  std::vector<std::string> model_variables, optimizer_variables;
};

/// Makes the step that trains `model`'s trainable variables by cross-entropy. The model has one
/// output, [N,classes]: logits, or the softmax of them. Variables are copied, so the model itself
/// does not change; CopyVariables brings them back.
///
/// What changes from inference: a batch norm reads the statistics of the whole batch (all shards)
/// and updates its moving ones (Ioffe & Szegedy 2015); dropout draws anew each step. The sum of
/// gradients runs after all gradients, updates after all sums, so that no shard reads a variable
/// that another already updates; the caller ends a step with a barrier.
Result<TrainingStep> MakeTrainingStep(const ir::Graph& model, const TrainingStepOptions& options);

/// Puts the data of `from`'s variables into those of the same name in `to` (as copies). A variable
/// of `to` that `from` lacks is an error unless `partial`.
Status CopyVariables(const ir::Graph& from, ir::Graph& to, bool partial = false);

}  // namespace tersor::training
