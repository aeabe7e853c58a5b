// What acts between the steps of a training run: schedules, pruning, learned points.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tersor/base/status.h"
#include "tersor/base/tensor.h"
#include "tersor/ir/graph.h"

namespace tersor::training {

struct EpochMetrics;

/// The variables of a training step, by name. Views stay valid for the whole run.
class StepVariables {
 public:
  /// `step_graph` outlives this object.
  explicit StepVariables(ir::Graph& step_graph);

  /// What the variable holds now. Fails when the step has no such variable.
  Result<ConstTensorView> Read(std::string_view name) const;
  /// The same, to be written; the next step reads what is written. Fails on a variable that the
  /// compiled step takes for a constant: one that no update of the step writes and that no hook
  /// lists in host_written().
  Result<TensorView> Write(std::string_view name);

 private:
  Result<ir::ValueId> Find(std::string_view name) const;

  ir::Graph& graph_;
  std::vector<bool> constants_;  // by value
};

/// The step that is about to run, or that has run.
struct StepContext {
  int64_t step = 0;          ///< counted from 0, over all epochs
  int64_t total_steps = 0;   ///< of the whole run
  double learning_rate = 0;  ///< a hook may change it before the step
  StepVariables& variables;
};

/// Acts between steps. All calls come from the thread of Train(), while no step runs; a failure
/// ends the training. What a hook decides must depend on its options, its state and the step alone:
/// then a run that was killed and resumed gives the bits of an unbroken one. A checkpoint holds
/// Save() and all variables of the step.
class StepHook {
 public:
  virtual ~StepHook() = default;

  /// Unique among the hooks of a run: the checkpoint keeps the state under it.
  virtual std::string_view name() const = 0;
  /// The options that decide the bits of the result, as one line of text. A checkpoint can be
  /// resumed only if this text is the same as when it was written.
  virtual std::string options() const { return ""; }
  /// Variables of the step that this hook writes and that no update of the step writes.
  virtual std::vector<std::string> host_written() const { return {}; }

  virtual Status BeforeStep(StepContext&) { return OkStatus(); }
  virtual Status AfterStep(StepContext&) { return OkStatus(); }
  /// At the end of an epoch, after its validation.
  virtual Status AfterEpoch(const EpochMetrics&) { return OkStatus(); }

  /// The state that AfterStep() or AfterEpoch() left.
  virtual std::string Save() const { return ""; }
  /// Takes over what Save() gave. Fails on a text that Save() cannot have given.
  virtual Status Restore(std::string_view) { return OkStatus(); }
};

}  // namespace tersor::training
