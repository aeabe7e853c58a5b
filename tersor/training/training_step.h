// From a model to the graph of one training step.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/ir/graph.h"
#include "tersor/training/loss.h"
#include "tersor/training/optimizer.h"

namespace tersor::training {

struct TrainingStepOptions {
#define OPTION OPTION_MEMBER
#include "tersor/training/training_step_options.inc"
#undef OPTION
  OptimizerOptions optimizer;
};

enum class GraphMode : uint8_t {
  /// Batch norms read the statistics of the whole batch, all shards together, and move their own
  /// towards them (Ioffe & Szegedy 2015); dropout draws anew in each step; trainable variables are
  /// trained.
  kTraining,
  /// The graph is prepared for inference: batch norms read their moving statistics, which stay as
  /// they are, dropout does nothing, and no variable is trained. Gradients pass through it.
  kInference,
};

/// A graph that takes part in a step beside the model, such as a teacher. What a graph in training
/// mode learns stays in the step; the caller's graph does not change.
struct ExtraGraph {
  std::string name;                  ///< its outputs are the values "NAME/OUTPUT" of the step, its
                                     ///< variables are called "NAME/VARIABLE"
  const ir::Graph* graph = nullptr;  ///< the caller's; MakeTrainingStep copies it
  GraphMode mode = GraphMode::kInference;
  /// Which value of the step each input reads, by names: an input of the step, an output of the
  /// model, or an output of an extra graph that stands earlier. An input that is not listed reads
  /// the value of its own name; where there is none, the only input of a graph reads the only input
  /// of the model.
  std::map<std::string, std::string> bindings = {};
};

/// One term of the loss: weight * loss(prediction, target).
struct LossTerm {
  std::string loss = {};         ///< a row of losses.inc; empty: that of the options
  std::string prediction = {};   ///< a value of the step; empty: the model's only output
  std::string target = "label";  ///< a value of the step, or an input that it gets for this
  double weight = 1;
};

/// What a step is made of, beside the model.
struct TrainingStepSpec {
  TrainingStepOptions options = {};
  std::vector<LossTerm> losses = {LossTerm{}};  ///< their sum is trained
  std::vector<ExtraGraph> graphs = {};
  /// Types, batch first, of inputs that the model does not have: labels, and what extra graphs
  /// read. The step gets those that something reads. A target that is missing here has the type
  /// that its loss prefers.
  std::map<std::string, TensorType> inputs = {};
  /// Variables of the step that are written between steps (Value::host_written()).
  std::vector<std::string> host_written = {};
};

// Names of inputs that every step has.
inline constexpr std::string_view kExampleWeights = "example_weights";  ///< f32 [N]: 1 / examples
                                                                        ///< of the whole batch
inline constexpr std::string_view kLearningRate = "learning_rate";      ///< f32 []
inline constexpr std::string_view kStepNumber = "step";                 ///< f32 [], counted from 1
inline constexpr std::string_view kCounter = "counter";  ///< i64 [], of the dropout's draw
// Names of outputs.
inline constexpr std::string_view kLossOutput = "loss";              ///< f32 [N], of each example
inline constexpr std::string_view kPredictionOutput = "prediction";  ///< where a loss counts

/// Whether the input is one of those that every step has.
bool IsMadeByTrainer(std::string_view input);

/// The whole step as one graph: forward, loss, gradients, their sum over the shards, and updates.
/// Variables keep the names that they have in the model. A variable of the optimizer is named after
/// the variable to which it belongs, followed by ".velocity", ".moment1" or ".moment2".
struct TrainingStep {
  ir::Graph graph;
  /// Places in graph.inputs() and graph.outputs(), by name: the model's inputs, those of the spec
  /// that are read, and those above. An executable of the graph has the same places.
  std::map<std::string, int, std::less<>> inputs, outputs;
  /// The first term of the loss that can count right predictions and whose target is an input. It
  /// is null if there is no such term; the graph then has no output "prediction".
  const Loss* counting = nullptr;
  std::string counted_target;  ///< name of that input
};

/// Makes the step that trains the trainable variables of `model` and of graphs in training mode.
/// The model is in training mode. Variables are copied, so the caller's graphs do not change;
/// CopyVariables brings the trained ones back.
///
/// The sum of gradients runs after all gradients, and updates run after all sums, so that no shard
/// reads a variable that another one already updates; the caller ends a step with a barrier.
/// Errors: a name that nothing has, types that do not fit (named), a variable without data, nothing
/// to train, an operator without gradient.
Result<TrainingStep> MakeTrainingStep(const ir::Graph& model, const TrainingStepSpec& spec);

/// The same losses of the same values, to measure them: the model and the extra graphs in inference
/// mode, without gradients and updates, and without the inputs that every step has. Variables that
/// the step trains keep their names, so that the data of the step's variables can be put in.
Result<TrainingStep> MakeEvaluation(const ir::Graph& model, const TrainingStepSpec& spec);

/// Puts the data of `from`'s variables into those of the same name in `to` (as copies). A variable
/// of `to` that `from` lacks is an error unless `partial`.
Status CopyVariables(const ir::Graph& from, ir::Graph& to, bool partial = false);

}  // namespace tersor::training
