// The validation of a training run: the model in inference mode over a set, compiled once.
#pragma once

#include <map>
#include <string>

#include "tersor/base/status.h"
#include "tersor/data/dataset.h"
#include "tersor/measure/evaluator.h"
#include "tersor/training/epoch_metrics.h"
#include "tersor/training/training_step.h"

namespace tersor::training {

/// Measures the loss and the accuracy of the model as the step's variables are when Run() is
/// called. It reads the variables of the step where they are, so nothing is copied or compiled
/// again. For one thread, while no step runs.
class Validation {
 public:
  /// `fields` gives the field of the set that each input of the step reads, by name; an input that
  /// it lacks reads the field of its own name. `step` and `set` outlive the object.
  static Result<Validation> Create(const ir::Graph& model, const TrainingStepSpec& spec,
                                   const TrainingStep& step, const data::Dataset& set,
                                   const std::map<std::string, std::string>& fields,
                                   const measure::EvaluatorOptions& options);

  /// Writes the three values of the validation. They do not depend on the number of threads.
  Status Run(EpochMetrics& metrics);

 private:
  Validation(measure::Evaluator evaluator, const data::Dataset& set, const Loss* counting,
             int counted_input)
      : evaluator_(std::move(evaluator)),
        set_(set),
        counting_(counting),
        counted_input_(counted_input) {}

  measure::Evaluator evaluator_;
  const data::Dataset& set_;
  const Loss* counting_;  // null: nothing is counted
  int counted_input_;     // input of the evaluator's model that the counting loss compares with
};

}  // namespace tersor::training
